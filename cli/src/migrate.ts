import { compareMigrations, createPool, migrate } from '@semel/postgres'
import { databaseUrl, readSettings } from '@semel/runtime'
import { reachDatabase } from '@semel/runtime/service'
import { Type } from 'typebox'
import { jsonOf } from './print.ts'
import { parts } from './processes.ts'
import { partsNamed } from './services.ts'
import { waitingUpTo } from './wait.ts'

const schema = Type.Object({ DATABASE_URL: databaseUrl() })

/** How a migration is asked for. */
export type MigrateOptions = Readonly<{
  /** The services whose tables are made; all where none is named. */
  names: readonly string[]
  /** How long to wait for a database that is not there yet, in seconds. */
  wait: number
  json: boolean
}>

/**
 * Makes or changes the tables of services, and tells which migrations were run. Safe to repeat and
 * to run from several processes at once: one waits for the other.
 *
 * @throws {ConfigError | StartError | OperatorError | MigrationRefused} what a user can mend; a
 * database that is ahead of this release is left as it is, and refused unless it is ahead by
 * additive migrations alone.
 */
export async function migrateServices(
  env: Readonly<Record<string, string | undefined>>,
  { names, wait, json }: MigrateOptions,
): Promise<string> {
  const chosen = names.length === 0 ? parts : partsNamed(names)
  const { DATABASE_URL: url } = readSettings(schema, env)
  const { connection, name } = await waitingUpTo(wait)(() => reachDatabase(url))
  const pool = createPool({ connection, connectionsMax: 1, name: 'semel-migrate' })
  try {
    const sets = chosen.flatMap(({ migrations }) => migrations)
    const ran = await migrate(pool, sets)
    const { ahead } = await compareMigrations(pool, sets)
    const services = chosen.map((part) => part.name)
    if (json) return jsonOf({ database: name, services, ran, ahead })
    const lines = [
      ...ran.map((migration) => `migrated ${migration}\n`),
      ...(ran.length === 0 ? [`${name} is up to date: nothing to do.\n`] : []),
      ...ahead.map((migration) => `${migration} is of a newer release (additive)\n`),
    ]
    return lines.join('')
  } finally {
    await pool.end()
  }
}
