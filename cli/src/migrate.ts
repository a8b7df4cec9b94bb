import { setTimeout as delay } from 'node:timers/promises'
import { createPool, migrate } from '@semel/postgres'
import { databaseUrl, readSettings, StartError } from '@semel/runtime'
import { type Database, reachDatabase } from '@semel/runtime/service'
import { Type } from 'typebox'
import { jsonOf } from './print.ts'
import { parts, partsNamed } from './services.ts'

const schema = Type.Object({ DATABASE_URL: databaseUrl() })
const triedEveryMs = 250

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
 * database that is ahead of this release is left as it is.
 */
export async function migrateServices(
  env: Readonly<Record<string, string | undefined>>,
  { names, wait, json }: MigrateOptions,
): Promise<string> {
  const chosen = names.length === 0 ? parts : partsNamed(names)
  const { DATABASE_URL: url } = readSettings(schema, env)
  const { connection, name } = await reachWithin(url, wait * 1000)
  const pool = createPool({ connection, connectionsMax: 1, name: 'semel-migrate' })
  try {
    const ran = await migrate(
      pool,
      chosen.flatMap(({ migrations }) => migrations),
    )
    if (json) return jsonOf({ database: name, services: chosen.map((part) => part.name), ran })
    const lines = ran.map((migration) => `migrated ${migration}\n`).join('')
    return ran.length === 0 ? `${name} is up to date: nothing to do.\n` : lines
  } finally {
    await pool.end()
  }
}

async function reachWithin(url: string, waitMs: number): Promise<Database> {
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    try {
      return await reachDatabase(url)
    } catch (error) {
      if (!(isAway(error) && performance.now() + triedEveryMs < deadlineMs)) throw error
      await delay(triedEveryMs)
    }
  }
}

/** A server that refuses who asks will not think better of it. */
function isAway(error: unknown): boolean {
  if (!(error instanceof StartError) || error.code !== 'database-unreachable') return false
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return !(typeof code === 'string' && code.startsWith('28'))
}
