import { migrations } from '@semel/orders'
import { createPool, migrate } from '@semel/postgres'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import type pg from 'pg'
import { carelessClear, carelessCount, carelessSchema } from './careless-sql.ts'
import type { Counted } from './check.ts'
import type { Databases } from './databases.ts'
import { fillCommandLog } from './large-log.ts'
import { pgbenchClear, pgbenchCount, pgbenchSchema } from './pgbench-sql.ts'
import { productClear, productClearButLog, productCount } from './product-sql.ts'

/** A contender's database. */
export type Store = Readonly<{
  connection: EmbeddedConnection
  /** Takes out what runs have left, so that every run meets the same. */
  clear(): Promise<void>
  /** What a run has left that began at `since`. */
  count(since: Date): Promise<Counted>
}>

/** Settings of a database, for every session on it. */
export type Settings = Readonly<Record<string, number>>

/** 2 ms before every flush of the WAL, whoever else commits: a disk that takes 2 ms longer. */
export const slowCommits: Settings = { commit_delay: 2000, commit_siblings: 0 }

/** The database of (b). */
export async function carelessStore(
  databases: Databases,
  name: string,
  settings: Settings = {},
): Promise<Store> {
  const connection = await databases.make(name, settings)
  const client = await databases.connect(connection)
  await client.query(carelessSchema)
  return storeOf(connection, client, { clear: carelessClear, count: carelessCount })
}

/** The database of (c). */
export async function pgbenchStore(databases: Databases): Promise<Store> {
  const connection = await databases.make('pgbench')
  const client = await databases.connect(connection)
  await client.query(pgbenchSchema)
  return storeOf(connection, client, { clear: pgbenchClear, count: pgbenchCount })
}

/** The database of (d); its command log is empty, or filled and then left alone. */
export async function productStore(
  databases: Databases,
  name: string,
  settings: Settings = {},
  log: { rows: number; onFilled(filled: number): void } = { rows: 0, onFilled: () => undefined },
): Promise<Store> {
  const connection = await databases.make(name, settings)
  const pool = createPool({ connection })
  await migrate(pool, migrations).finally(() => pool.end())
  if (log.rows > 0) await fillCommandLog(databases, connection, log)
  const clear = log.rows > 0 ? productClearButLog : productClear
  return storeOf(connection, await databases.connect(connection), { clear, count: productCount })
}

function storeOf(
  connection: EmbeddedConnection,
  client: pg.Client,
  sql: { clear: string; count: string },
): Store {
  return {
    connection,
    async clear() {
      await client.query(sql.clear)
    },
    async count(since) {
      const { rows } = await client.query(sql.count, sql.count.includes('$1') ? [since] : [])
      return rows[0]
    },
  }
}
