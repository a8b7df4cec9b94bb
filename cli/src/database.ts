import { type Connection, createPool } from '@semel/postgres'
import { findRunning, startEmbedded } from '@semel/postgres/embedded'
import type { Lifecycle } from '@semel/runtime'
import { type CliConfig, dataFolder } from './config.ts'
import { StartError } from './start-error.ts'

/** A database that takes connections, and how users call it. */
export type Database = Readonly<{ connection: Connection; name: string }>

const connectTimeoutMs = 5_000

/**
 * Opens the database: the one that DATABASE_URL names, or one of our own, which ends with us.
 *
 * @throws {StartError} `database-unreachable`, `database-unsuitable`
 * @throws {EmbeddedPostgresError}
 */
export async function openDatabase(
  config: CliConfig,
  lifecycle: Lifecycle,
  say: (line: string) => void,
): Promise<Database> {
  const { DATABASE_URL: url } = config
  if (url !== undefined) return reachable(url)
  const { folder, explicit } = dataFolder(config)
  const postgres = await lifecycle.open(
    'PostgreSQL',
    () => startEmbedded({ folder, explicit, say }),
    (opened) => opened.stop(),
  )
  return { connection: postgres.connection, name: `PostgreSQL in ${postgres.folder}` }
}

/**
 * Opens the database of a system that is running, to look into it or to mend something there.
 *
 * @throws {StartError} `not-running`, `database-unreachable`, `database-unsuitable`
 */
export async function openRunning(config: CliConfig): Promise<Database> {
  if (config.DATABASE_URL !== undefined) return reachable(config.DATABASE_URL)
  const { folder, explicit } = dataFolder(config)
  const connection = await findRunning(folder, explicit)
  if (connection === undefined) {
    throw new StartError(
      'not-running',
      `no PostgreSQL is running on ${folder}; start the system with npm start, ` +
        'or name its database: DATABASE_URL=postgres://… npx semel …',
    )
  }
  return { connection, name: `PostgreSQL in ${folder}` }
}

async function reachable(url: string): Promise<Database> {
  const name = nameOf(url)
  const pool = createPool({ connection: { url }, connectionsMax: 1, connectTimeoutMs })
  let encoding: string
  try {
    encoding = (await pool.query('show server_encoding')).rows[0].server_encoding
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException
    throw new StartError(
      'database-unreachable',
      `the database ${name} cannot be reached (${withoutPassword(message || code || '', url)}); ` +
        'check DATABASE_URL, or leave it out to get a PostgreSQL of its own',
      { cause },
    )
  } finally {
    await pool.end()
  }
  if (encoding !== 'UTF8') {
    throw new StartError(
      'database-unsuitable',
      `the database ${name} is encoded in ${encoding}, and could not keep every text: ` +
        "make one with: create database … encoding 'UTF8' template template0",
    )
  }
  return { connection: { url }, name }
}

/** Host, port and database: never the password. */
function nameOf(url: string): string {
  if (!URL.canParse(url)) return 'that DATABASE_URL names'
  const { host, pathname, searchParams } = new URL(url)
  return `${host || searchParams.get('host') || 'localhost'}${pathname}`
}

function withoutPassword(text: string, url: string): string {
  const password = URL.canParse(url) ? new URL(url).password : ''
  if (password === '') return text
  return text.replaceAll(password, '***').replaceAll(decodeURIComponent(password), '***')
}
