import { findRunning, startEmbedded } from '@semel/postgres/embedded'
import { type Lifecycle, StartError } from '@semel/runtime'
import { type Database, reachDatabase } from '@semel/runtime/service'
import { type CliConfig, dataFolder } from './config.ts'

const orWithout = ', or leave it out to get a PostgreSQL of its own'

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
  if (url !== undefined) return reachDatabase(url, orWithout)
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
  const { DATABASE_URL: url } = config
  if (url !== undefined) return reachDatabase(url, orWithout)
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
