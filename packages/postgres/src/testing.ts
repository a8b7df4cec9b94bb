import { createHash, randomUUID } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { type MigrationSet, migrate } from './migrations.ts'
import { type Connection, createPool, type Pool, type PoolOptions } from './pool.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the server for tests listens; its user may create databases. */
    testServer: { host: string; user: string; port?: number; password?: string }
  }
}

/** A database of its own. */
export type TestDatabase = Readonly<{
  name: string
  connection: Exclude<Connection, { url: string }>
  pool: Pool
  /** Another pool on it, as another process has; ended with the database. */
  anotherPool(options?: Partial<PoolOptions>): Pool
}>

/**
 * Makes a database for one test, or for one file when called from `beforeAll` with its own `close`.
 * It is dropped when the test has passed and kept, with its name told, when it has failed.
 */
export async function testDatabase(sets: readonly MigrationSet[]): Promise<TestDatabase> {
  const { close, ...database } = await openTestDatabase(sets)
  onTestFinished(({ task }) => close({ keep: task.result?.state === 'fail' }))
  return database
}

/** As {@link testDatabase}, for a longer life; whoever opens it closes it. */
export async function openTestDatabase(
  sets: readonly MigrationSet[],
): Promise<TestDatabase & { close(options?: { keep?: boolean }): Promise<void> }> {
  const server = inject('testServer')
  const name = `test_${randomUUID().slice(0, 8)}`
  const template = await migratedTemplate(server, sets)
  await administer(server, (admin) => admin.query(`create database ${name} template ${template}`))
  const connection = { ...server, database: name }
  const pools: Pool[] = []
  const anotherPool = (options: Partial<PoolOptions> = {}) => {
    const made = createPool({ connection, ...options })
    pools.push(made)
    return made
  }
  return {
    name,
    connection,
    pool: anotherPool(),
    anotherPool,
    async close({ keep = false } = {}) {
      await Promise.all(pools.map((each) => each.end()))
      if (keep) console.error(`kept the database ${name} of a failed test`)
      else await administer(server, (admin) => admin.query(`drop database ${name} with (force)`))
    },
  }
}

/**
 * The plans that a pool of one connection has made for its named statements. They are generic:
 * whatever a statement is executed with, its plan is the one that was made.
 */
export async function preparedPlans(
  pool: Pool,
): Promise<readonly { name: string; plan: string }[]> {
  const { rows } = await pool.query(
    'select name, cardinality(parameter_types) as count from pg_prepared_statements',
  )
  return Promise.all(
    rows.map(async ({ name, count }) => {
      const nulls = count === 0 ? '' : `(${Array(count).fill('null').join(', ')})`
      const plan = await pool.query(`explain execute "${name}"${nulls}`)
      return { name, plan: plan.rows.map((row) => row['QUERY PLAN']).join('\n') }
    }),
  )
}

/** Any number that only makers of templates lock. */
const templateLock = 5_370_231_602

/**
 * The database that those with these tables are copied from, by its name; whoever needs it first
 * makes it. To copy one takes a third of the time that migrating one does.
 */
async function migratedTemplate(
  server: TestServer,
  sets: readonly MigrationSet[],
): Promise<string> {
  const folders = sets.map(({ set, folder }) => `${set} ${folder}`).join('\n')
  const name = `migrated_${createHash('sha256').update(folders).digest('hex').slice(0, 12)}`
  await administer(server, async (admin) => {
    const isThere = async () =>
      (await admin.query('select from pg_database where datname = $1', [name])).rowCount === 1
    if (await isThere()) return
    await admin.query('select pg_advisory_lock($1)', [templateLock])
    if (await isThere()) return
    const unfinished = `${name}_unfinished`
    await admin.query(`drop database if exists ${unfinished}`)
    await admin.query(`create database ${unfinished}`)
    const pool = createPool({ connection: { ...server, database: unfinished }, connectionsMax: 1 })
    await migrate(pool, sets).finally(() => pool.end())
    await admin.query(`alter database ${unfinished} rename to ${name}`)
  })
  return name
}

/** Over one connection, which ends with the work. */
async function administer(
  server: TestServer,
  work: (admin: Pool) => Promise<unknown>,
): Promise<void> {
  const admin = createPool({ connection: { ...server, database: 'postgres' }, connectionsMax: 1 })
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}

type TestServer = { host: string; user: string; port?: number; password?: string }
