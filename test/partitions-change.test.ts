import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { listPositions } from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { type Asked, ask, freshId, orderOf, times } from './client.ts'
import { until } from './product.ts'
import { tracesOf } from './replicas.ts'
import {
  askLater,
  balanceOf,
  faultsIn,
  itemsOf,
  migrations,
  openAccount,
  startSaga,
  untilSettled,
} from './saga.ts'

type Placed = Readonly<{ userId: string; id: string; index: number }>

/** Places orders for users, every other one without waiting for it. */
async function placeSome(urls: readonly string[], userIds: readonly string[]): Promise<Placed[]> {
  const placed = userIds.flatMap((userId) =>
    times(4, (index) => ({ userId, id: freshId(), index })),
  )
  await sendMixed(
    urls,
    placed.map(({ userId, id, index }) => ({ body: orderOf(userId, index + 1, id) })),
  )
  return placed
}

/** Of every four orders one is left, two are updated and one is cancelled. */
function changesOf(placed: readonly Placed[], version: number): Asked[] {
  return placed.flatMap(({ id, index }): Asked[] => {
    const path = `/orders/${id}`
    const key = `change-${id}`
    if (index === 0) return []
    if (index === 3) return [{ method: 'DELETE', path: `${path}?version=${version}`, key }]
    const { lines } = orderOf('', index + version)
    return [{ method: 'PUT', path, key, body: { version, lines } }]
  })
}

async function sendMixed(urls: readonly string[], all: readonly Asked[]): Promise<void> {
  await Promise.all(
    all.map(async (asked, index) => {
      const url = urls[index % urls.length]!
      if (index % 2 === 0) return askLater(url, asked)
      const told = await ask(url, asked)
      expect(told.answer.status).toBeLessThan(300)
      return told
    }),
  )
}

/** That every order ended as its user's commands and money say: all are affordable. */
async function expectAllPaid(url: string, userIds: readonly string[], deposited: number) {
  for (const userId of userIds) {
    const orders = await itemsOf(url, `/orders?userId=${userId}`)
    const paid = orders.filter(({ status }) => status === 'paid')
    const cancelled = orders.filter(({ status }) => status === 'cancelled')
    const spent = paid.reduce((sum, { total }) => sum + total, 0)
    expect([paid.length, cancelled.length, orders.length]).toEqual([3, 1, 4])
    expect(await balanceOf(url, userId)).toBe(deposited - spent)
  }
}

/** That orders were on several partitions, where there are several: 40 ids need not be on all. */
async function expectSpread(pool: Pool, partitions: number): Promise<void> {
  const written = (await listPositions(pool)).filter(
    ({ group, topic, head }) => group === 'orders' && topic === 'order' && head > 0,
  )
  expect(written.length).toBeGreaterThanOrEqual(Math.min(2, partitions))
  expect(written.length).toBeLessThanOrEqual(partitions)
}

describe('any number of partitions', () => {
  it.each([1, 2, 7])('brings every order to its end: %i', async (partitions) => {
    const database = await testDatabase(migrations)
    const { pool } = database
    const sagas = [
      await startSaga(database, { partitions }),
      await startSaga(database, { partitions }),
    ]
    const urls = sagas.map(({ url }) => url)
    const userIds = times(10, freshId)
    await Promise.all(userIds.map((userId) => openAccount(urls[0]!, userId, 100_000)))

    const placed = await placeSome(urls, userIds)
    await untilSettled(pool)
    await sendMixed(urls, changesOf(placed, 1))
    await untilSettled(pool)

    await expectAllPaid(urls[1]!, userIds, 100_000)
    expect(await faultsIn(pool)).toEqual([])
    await expectSpread(pool, partitions)
  })
})

describe('a change of the number of partitions', () => {
  it.each([
    { from: 1, to: 7 },
    { from: 7, to: 2 },
    { from: 2, to: 1 },
  ])('with messages on their way loses none and repeats none: $from to $to', async (counts) => {
    const { from, to } = counts
    const database = await testDatabase(migrations)
    const { pool } = database
    const userIds = times(10, freshId)
    const whole = await startSaga(database, { partitions: from })
    await Promise.all(userIds.map((userId) => openAccount(whole.url, userId, 100_000)))
    await whole.stop()
    const before = await startSaga(database, { partitions: from, without: ['billing'] })
    const placed = await placeSome([before.url], userIds)
    // Nothing promises that an update whose order is still on its way stays behind it.
    await until(async () => (await tracesOf(pool)).orders === placed.length)
    await Promise.all(
      changesOf(placed, 1)
        .slice(0, 10)
        .map((asked) => askLater(before.url, asked)),
    )
    await before.stop()
    const onTheirWay = (await listPositions(pool)).reduce((sum, { lag }) => sum + lag, 0)

    const after = await startSaga(database, { partitions: to })
    const another = await startSaga(database, { partitions: to })
    // Those that were sent already are repeats; those that were not meet their orders' charges.
    await Promise.all(
      changesOf(placed, 1).map((asked, index) => {
        const { url } = index % 2 === 0 ? after : another
        return askLater(url, asked)
      }),
    )
    await untilSettled(pool)

    expect(onTheirWay).toBeGreaterThan(40)
    await expectAllPaid(after.url, userIds, 100_000)
    expect(await faultsIn(pool)).toEqual([])
    await expectSpread(pool, Math.max(from, to))
  })
})
