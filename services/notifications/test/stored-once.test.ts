import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { times } from '../../../test/client.ts'
import { migrations } from '../src/service.ts'
import { carry, orderId, postgresExecutor, wantedBy } from './wanted.ts'

it('stores one for each version when several processes read the same at once', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const executors = [pool, anotherPool(), anotherPool()].map(postgresExecutor)
  const order = (n: number) => n % 20
  // Each has messages of its own about the same orders: the command log cannot tell them apart.
  const batches = executors.map((_, reader) =>
    times(60, (n) =>
      wantedBy(reader * 1000 + n, { order: order(n + reader), version: 1 + (n % 2) }),
    ),
  )

  await Promise.all(executors.map((executor, reader) => carry(executor, batches[reader]!)))

  const rows = await storedIn(pool)
  const wanted = batches.flat().map(({ input }) => `${input.orderId} ${input.orderVersion}`)
  expect(rows.map((row) => `${row.order_id} ${row.order_version}`).toSorted()).toEqual(
    [...new Set(wanted)].toSorted(),
  )
})

it('numbers them in the order in which they came', async () => {
  const { pool } = await testDatabase(migrations)
  const executor = postgresExecutor(pool)

  await carry(
    executor,
    [3, 1, 2].map((n) => wantedBy(n, { order: n })),
  )
  await carry(
    executor,
    [9, 1, 0].map((n) => wantedBy(10 + n, { order: n })),
  )

  expect((await storedIn(pool)).map((row) => row.order_id)).toEqual([3, 1, 2, 9, 0].map(orderId))
})

it('shows no number before all lower ones are seen, however slow their transaction', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const slow = await anotherPool().connect()
  await slow.query('begin')
  await slow.query('update notification_numbers set next = next + 1 where one')
  const waiting = carry(postgresExecutor(pool), [wantedBy(2, { order: 2 })])
  await untilBlocked(pool)

  const before = await storedIn(pool)
  await slow.query('commit')
  slow.release()
  await waiting

  expect(before).toEqual([])
  expect((await storedIn(pool)).map((row) => row.number)).toEqual([2])
})

it('changes nothing when the topic is read again, with the command log kept or gone', async () => {
  const { pool } = await testDatabase(migrations)
  const all = times(10, (n) => wantedBy(n, { order: n, kind: n % 2 === 0 ? 'happiness' : 'grief' }))
  await carry(postgresExecutor(pool), all)
  const before = await storedIn(pool)

  await carry(postgresExecutor(pool), all)
  await pool.query('truncate commands')
  await carry(postgresExecutor(pool), all)

  expect(await storedIn(pool)).toEqual(before)
  expect(before).toHaveLength(10)
})

it('is kept to one by the table itself, should a decider ever be wrong', async () => {
  const { pool } = await testDatabase(migrations)
  await carry(postgresExecutor(pool), [wantedBy(1, { order: 1 })])

  const twice = pool.query(
    `insert into notifications select order_id, order_version, id, 99, user_id, kind, text,
                                      created_at from notifications`,
  )

  await expect(twice).rejects.toMatchObject({ code: '23505' })
})

async function storedIn(pool: Pool) {
  const { rows } = await pool.query('select * from notifications order by number')
  return rows
}

async function untilBlocked(pool: Pool): Promise<void> {
  const deadline = performance.now() + 5000
  const blocked = `select 1 from pg_stat_activity
                    where wait_event_type = 'Lock' and datname = current_database()`
  while ((await pool.query(blocked)).rowCount === 0) {
    if (performance.now() > deadline) throw new Error('nobody waits')
  }
}
