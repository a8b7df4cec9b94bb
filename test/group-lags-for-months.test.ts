import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { databaseSweeps } from '@semel/topics'
import { expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf } from './client.ts'
import {
  askLater,
  faultsIn,
  migrations,
  openAccount,
  orderNow,
  startSaga,
  untilSettled,
} from './saga.ts'

/** Lets time pass for all that ages, and the sweeper do what is due. */
async function pass(pool: Pool, days: number): Promise<void> {
  await pool.query(
    `update commands set decided_at = decided_at - make_interval(days => ${days}),
                         replayable_until = replayable_until - make_interval(days => ${days})`,
  )
  await pool.query(`update outbox set time = time - make_interval(days => ${days})`)
  for (const sweep of databaseSweeps(pool)) await sweep(new AbortController().signal)
}

it('a refusal that a topic brings again to a group that lagged for months stays one', async () => {
  const database = await testDatabase(migrations)
  const { pool } = database
  const { url, stop } = await startSaga(database)
  const userId = freshId()
  await openAccount(url, userId, 2000)
  const placed = bodyOf(await ask(url, { key: 'place', body: orderOf(userId) }))
  const update = (version: number, quantity: number): Asked => ({
    ...{ method: 'PUT', path: `/orders/${placed.id}`, key: `to-${version + 1}` },
    body: { version, lines: orderOf(userId, quantity).lines },
  })
  const refused = await ask(url, { ...update(3, 4), key: 'stale' })
  await pass(pool, 20)
  await askLater(url, { ...update(3, 4), key: 'stale' })
  await untilSettled(pool)
  await ask(url, update(1, 2))
  await ask(url, update(2, 3))
  await untilSettled(pool)
  const before = bodyOf(await orderNow(url, placed.id))
  await stop()

  await pool.query(`update positions set position = 0 where consumer_group = 'orders'`)
  await pass(pool, 60)
  const { url: later } = await startSaga(database)
  await untilSettled(pool)

  expect(bodyOf(refused)).toMatchObject({ code: 3043, currentVersion: 1 })
  expect(before).toMatchObject({ version: 3, status: 'paid' })
  expect(bodyOf(await orderNow(later, placed.id))).toEqual(before)
  const aged = (await pool.query('select from commands where status is null')).rowCount
  expect(aged).toBeGreaterThan(0)
  expect((await faultsIn(pool)).filter((one) => JSON.stringify(one).includes('parked'))).toEqual([])
})
