import { createPool, type Pool } from '@semel/postgres'
import { readCliConfig } from './config.ts'
import { openRunning } from './database.ts'

/**
 * Does something with the database of a system that is running, and shows what came of it.
 *
 * @throws {ConfigError | StartError} what a user can mend.
 */
export async function operate(work: (pool: Pool) => Promise<string>): Promise<void> {
  const { connection } = await openRunning(readCliConfig(process.env))
  const pool = createPool({ connection, connectionsMax: 2 })
  try {
    process.stdout.write(await work(pool))
  } finally {
    await pool.end()
  }
}
