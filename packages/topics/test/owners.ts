import type { Pool } from '@semel/postgres'
import { expect } from 'vitest'

/** The sessions that own partitions of the outbox in this database. */
export async function ownersOf(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query(
    `select distinct pid from pg_locks
      where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`,
  )
  return rows.map(({ pid }) => pid)
}

/** Ends the sessions that own partitions, as a server does that dies. */
export async function killOwners(pool: Pool): Promise<void> {
  const owners = await ownersOf(pool)
  expect(owners.length).toBeGreaterThan(0)
  await pool.query('select pg_terminate_backend(pid) from unnest($1::integer[]) as o (pid)', [
    owners,
  ])
}
