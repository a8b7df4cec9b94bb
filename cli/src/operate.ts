import { Unavailable } from '@semel/commands'
import { createPool, DatabaseUnavailable, type Pool, sqlStateOf } from '@semel/postgres'
import { type CliConfig, readCliConfig } from './config.ts'
import { openRunning } from './database.ts'
import { OperatorError } from './operator-error.ts'

/**
 * Does something with the database of a system that is running, and shows what came of it.
 * `statementTimeoutMs`: how long one of its statements may take; usually 10,000.
 *
 * @throws {ConfigError | StartError | OperatorError} what a user can mend.
 */
export async function operate(
  work: (pool: Pool, config: CliConfig) => Promise<string>,
  options: Readonly<{ statementTimeoutMs?: number }> = {},
): Promise<void> {
  const config = readCliConfig(process.env)
  const { connection, name } = await openRunning(config)
  const pool = createPool({ connection, connectionsMax: 2, name: 'semel-cli', ...options })
  try {
    process.stdout.write(await work(pool, config))
  } catch (error) {
    throw mendable(error, name)
  } finally {
    await pool.end()
  }
}

function mendable(error: unknown, database: string): unknown {
  const sqlState = sqlStateOf(error)
  const { message } = error as Error
  if (sqlState === '42P01' || sqlState === '42703') {
    const advice = 'start this release on it once (npm start), or check DATABASE_URL'
    return new OperatorError(
      'database-unsuitable',
      `the database ${database} has not the tables of this release (${message}); ${advice}`,
      { cause: error },
    )
  }
  if (sqlState === '42501') {
    return new OperatorError(
      'database-unsuitable',
      `the database ${database} does not allow it (${message}); use the role that Semel runs as`,
      { cause: error },
    )
  }
  if (!(error instanceof DatabaseUnavailable || error instanceof Unavailable)) return error
  const effect = error.effect === 'none' ? 'nothing was changed' : 'look whether it was done'
  const cause = error.cause instanceof Error ? error.cause.message : message
  return new OperatorError(
    'database-away',
    `the database ${database} does not answer (${cause}); ${effect}, and try again`,
    { cause: error },
  )
}
