import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { listPositions } from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf } from './client.ts'
import {
  askLater,
  endOf,
  faultsIn,
  migrations,
  openAccount,
  replayTopics,
  startSaga,
  untilSettled,
} from './saga.ts'

const tables = {
  accounts: 'user_id',
  entries: 'user_id, number',
  charges: 'order_id',
  decisions: 'order_id, version',
  orders: 'id',
  notifications: 'number',
  messages: 'guid',
  dead_letters: 'id',
}

/** Everything that users can see, and what was set aside. */
async function everything(pool: Pool): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {}
  for (const [table, order] of Object.entries(tables)) {
    found[table] = (await pool.query(`select * from ${table} order by ${order}`)).rows
  }
  return found
}

/** How many messages were told, by type. */
async function toldIn(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query(
    'select type, count(*)::integer as told from outbox group by type order by type',
  )
  return Object.fromEntries(rows.map(({ type, told }) => [type, told]))
}

/** One user's history through both paths: paid, declined, updated, and cancelled orders. */
async function accepted(url: string): Promise<{ userId: string; ids: string[] }> {
  const userId = freshId()
  await openAccount(url, userId, 2000)
  const placed: string[] = []
  for (const quantity of [1, 2, 9, 1]) {
    const body = orderOf(userId, quantity, freshId())
    const guid = await askLater(url, { body })
    expect((await endOf(url, guid)).response.status).toBe(201)
    placed.push(body.id!)
  }
  const [paid, updated, , cancelled] = placed as [string, string, string, string]
  const changes: Asked[] = [
    { method: 'PUT', path: `/orders/${updated}`, key: 'u', body: { version: 1, ...lines(3) } },
    { method: 'DELETE', path: `/orders/${cancelled}?version=1`, key: 'c' },
  ]
  for (const change of changes) {
    expect((await endOf(url, await askLater(url, change))).response.status).toBe(200)
  }
  expect(
    (await ask(url, { method: 'DELETE', path: `/orders/${paid}`, key: 'd' })).answer.status,
  ).toBe(200)
  const deposit = { path: `/accounts/${userId}/deposits`, key: 'later', body: { amount: 70 } }
  expect((await endOf(url, await askLater(url, deposit))).response.status).toBe(201)
  return { userId, ids: placed }
}

const lines = (quantity: number) => ({ lines: orderOf('', quantity).lines })

/** Refusals through topics, each of which would be a success by now if it were decided again. */
async function refused(url: string, orderId: string): Promise<void> {
  const stranger = freshId()
  const path = `/accounts/${stranger}/deposits`
  const early = await askLater(url, { path, key: 'early', body: { amount: 500 } })
  expect((await endOf(url, early)).response.status).toBe(404)
  await openAccount(url, stranger, 0)
  const put = { method: 'PUT', path: `/orders/${orderId}`, key: 'stale' } as const
  const stale = await askLater(url, { ...put, body: { version: 3, ...lines(5) } })
  expect((await endOf(url, stale)).response.body.code).toBe(3043)
  const update = { ...put, key: 'third', body: { version: 2, ...lines(2) } }
  expect((await ask(url, update)).answer.status).toBe(200)
}

describe('topics that are read again from their start', () => {
  it.each([1, 3])('change nothing, twice, over %i partitions', async (partitions) => {
    const database = await testDatabase(migrations)
    const { pool } = database
    const { url } = await startSaga(database, { partitions })
    const { ids } = await accepted(url)
    await refused(url, ids[1]!)
    await untilSettled(pool)
    const before = await everything(pool)
    const { 'message-answered': toldAnswers, ...toldOthers } = await toldIn(pool)

    for (const _ of ['once', 'twice']) {
      await replayTopics(pool)
      await untilSettled(pool)
    }

    expect(await everything(pool)).toEqual(before)
    expect(await faultsIn(pool)).toEqual([])
    // Who does not wait hears again how it ended, and nobody else anything.
    const { 'message-answered': answers, ...others } = await toldIn(pool)
    expect(others).toEqual(toldOthers)
    expect(answers).toBeGreaterThan(toldAnswers!)
    const generations = (await listPositions(pool)).map(({ generation }) => generation)
    expect(new Set(generations)).toEqual(new Set([3]))
  })

  it('change nothing either when every key is forgotten, where nothing was refused', async () => {
    const database = await testDatabase(migrations)
    const { pool } = database
    const first = await startSaga(database)
    const { userId, ids } = await accepted(first.url)
    await untilSettled(pool)
    const before = await everything(pool)

    for (const _ of ['once', 'twice']) {
      await first.stop()
      await pool.query('delete from commands')
      await replayTopics(pool)
      const saga = await startSaga(database)
      await untilSettled(pool)
      await saga.stop()
    }

    expect(await everything(pool)).toEqual(before)
    const { url } = await startSaga(database)
    const again = { ...orderOf(userId, 2, ids[1]!) }
    expect(bodyOf(await ask(url, { body: again }))).toMatchObject({ id: ids[1], version: 2 })
    expect(await everything(pool)).toEqual(before)
  })
})
