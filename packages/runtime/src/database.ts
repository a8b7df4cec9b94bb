import { type Connection, createPool, sqlStateOf } from '@semel/postgres'
import { StartError } from './start-error.ts'

/** A database that takes connections, and how users call it. */
export type Database = Readonly<{ connection: Connection; name: string }>

const connectTimeoutMs = 5_000
/** The first that knows `is json object`, by which `semel check` reads what was told. */
const versionMin = 16
const askWhatItIs = `
  select current_setting('server_encoding') as encoding,
         current_setting('server_version_num')::integer as version`

/**
 * Finds the database that DATABASE_URL names, and looks whether it can keep every text.
 *
 * @throws {StartError} `database-unreachable`, `database-unsuitable`; never with the password.
 */
export async function reachDatabase(url: string, advice = ''): Promise<Database> {
  const name = nameOf(url)
  const pool = createPool({ connection: { url }, connectionsMax: 1, connectTimeoutMs })
  let found: Readonly<{ encoding: string; version: number }>
  try {
    found = (await pool.query(askWhatItIs)).rows[0]
  } catch (cause) {
    throw unreachable({ connection: { url }, name }, cause, advice)
  } finally {
    await pool.end()
  }
  const { encoding, version } = found
  if (version < versionMin * 10_000) {
    throw new StartError(
      'database-unsuitable',
      `the database ${name} is PostgreSQL ${Math.floor(version / 10_000)}; ` +
        `Semel needs ${versionMin} or newer`,
    )
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

/**
 * Says that a database cannot be reached, and why. It may be soon, unless it knows who asks and
 * does not let them in.
 */
export function unreachable(
  { connection, name }: Database,
  cause: unknown,
  advice = '',
): StartError {
  const { message, code } = cause as NodeJS.ErrnoException
  const why = withoutPassword(message || code || '', 'url' in connection ? connection.url : '')
  return new StartError(
    'database-unreachable',
    `the database ${name} cannot be reached (${why}); check DATABASE_URL${advice}`,
    { cause, mayCome: !/^28/.test(sqlStateOf(cause) ?? '') },
  )
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
