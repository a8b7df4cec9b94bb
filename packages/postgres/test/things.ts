import { createPool, type Pool, type Statement, type Tx } from '@semel/postgres'
import { type ClientMessage, type Fate, startFaultProxy } from '@semel/postgres/fault-proxy'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { onTestFinished } from 'vitest'

/** Whether a message is a COMMIT. */
export const isCommit = ({ type, sql }: ClientMessage) => type === 'Q' && sql === 'commit'

/** A database with one table. */
export async function things(): Promise<TestDatabase> {
  const database = await testDatabase([])
  await database.pool.query(
    'create table things (id text primary key, size integer check (size > 0))',
  )
  return database
}

/** A pool through a proxy that does with each message what `decide` says. */
export async function throughProxy(
  { connection }: TestDatabase,
  decide: (message: ClientMessage) => Fate,
): Promise<Pool> {
  const path = `${connection.host}/.s.PGSQL.${connection.port ?? 5432}`
  const proxy = await startFaultProxy({ path }, decide)
  const pool = createPool({ connection: { ...connection, host: '127.0.0.1', port: proxy.port } })
  onTestFinished(async () => {
    await pool.end()
    await proxy.close()
  })
  return pool
}

/** Inserts unless it is there: what a command does. */
export async function once(tx: Tx, id: string): Promise<'inserted' | 'found'> {
  const { rowCount } = await tx.query({ text: 'select from things where id = $1', values: [id] })
  if (rowCount > 0) return 'found'
  tx.send(insertion(id))
  return 'inserted'
}

export function insertion(id: string, size = 1): Statement {
  return { text: 'insert into things values ($1, $2)', values: [id, size] }
}

export async function countOf({ pool }: TestDatabase): Promise<number> {
  return (await pool.query('select count(*)::integer as n from things')).rows[0].n
}
