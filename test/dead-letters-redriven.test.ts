import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend, postgresDeadLetters } from '@semel/topics'
import { expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, times } from './client.ts'
import { until } from './product.ts'
import {
  askLater,
  balanceOf,
  breakOrders,
  endOf,
  faultsIn,
  itemsOf,
  messageOf,
  migrations,
  openAccount,
  orderNow,
  startSaga,
  untilRead,
  untilSettled,
} from './saga.ts'

function lettersOf(pool: Pool) {
  return postgresDeadLetters({ pool, append: outboxAppend() })
}

function commandsFor(id: string, userId: string, sku: string): Asked[] {
  const linesOf = (quantity: number) => [{ sku, quantity, unitPrice: 100 }]
  const path = `/orders/${id}`
  return [
    { body: { id, userId, lines: linesOf(1) } },
    { method: 'PUT', path, key: `2-${id}`, body: { version: 1, lines: linesOf(2) } },
    { method: 'PUT', path, key: `3-${id}`, body: { version: 2, lines: linesOf(3) } },
  ]
}

it('what was set aside is redriven in its order, once, while new commands come', async () => {
  const database = await testDatabase(migrations)
  const { pool } = database
  const replicas = [
    await startSaga(database, { partitions: 2 }),
    await startSaga(database, { partitions: 2 }),
  ] as const
  const [{ url }, other] = replicas
  const userId = freshId()
  await openAccount(url, userId, 100_000)
  const mend = await breakOrders(pool, 'insert', 'poison')
  const broken = times(5, freshId)
  const sound = freshId()

  const guids: string[] = []
  for (const id of broken) {
    for (const asked of commandsFor(id, userId, 'poison')) guids.push(await askLater(url, asked))
  }
  await askLater(url, commandsFor(sound, userId, 'tea')[0]!)
  await untilRead(pool)
  const whileParked = await Promise.all(guids.map((guid) => messageOf(url, guid)))
  const parked = await lettersOf(pool).list({ group: 'orders' }, { order: 'position' })
  await until(async () => bodyOf(await orderNow(url, sound)).status === 'paid')
  await lettersOf(pool).redrive({ group: 'orders' }, new Date())
  // Tried again too early: nothing is mended yet.
  await until(async () => {
    const letters = await lettersOf(pool).list({ group: 'orders' })
    return letters.every(({ redriveAt }) => redriveAt === undefined)
  })
  const stillParked = (await lettersOf(pool).list({ group: 'orders' })).length
  await mend()
  await lettersOf(pool).redrive({ group: 'orders' }, new Date())
  const cancels = await Promise.all(
    broken.map((id) =>
      askLater(other.url, { method: 'DELETE', path: `/orders/${id}?version=3`, key: `4-${id}` }),
    ),
  )
  await until(async () => (await lettersOf(pool).list({})).length === 0)
  await untilSettled(pool)
  const ends = await Promise.all([...guids, ...cancels].map((guid) => messageOf(other.url, guid)))

  expect(stillParked).toEqual(parked.length)
  expect(whileParked.map(({ state }) => state)).toEqual(guids.map(() => 'parked'))
  expect(parked.map(({ reason }) => reason).toSorted()).toEqual(
    broken.flatMap(() => ['behind-parked', 'behind-parked', 'failed']).toSorted(),
  )
  expect(ends.map(({ state }) => state)).toEqual(ends.map(() => 'answered'))
  for (const id of broken) {
    expect(bodyOf(await orderNow(url, id))).toMatchObject({ status: 'cancelled', version: 4 })
  }
  expect(await balanceOf(url, userId)).toBe(100_000 - 100)
  expect(await itemsOf(url, `/orders?userId=${userId}`)).toHaveLength(6)
  expect(await faultsIn(pool)).toEqual([])
})

it('a command that was set aside, sent again and waited for, is decided once all the same', async () => {
  const database = await testDatabase(migrations)
  const { pool } = database
  const { url } = await startSaga(database, { report: () => {} })
  const userId = freshId()
  await openAccount(url, userId, 1000)
  const mend = await breakOrders(pool, 'insert', 'tea')
  const asked = { key: 'once', body: orderOf(userId) }

  const guid = await askLater(url, asked)
  const parked = await endOf(url, guid)
  const failing = await ask(url, asked)
  await mend()
  const waited = await ask(url, asked)
  await lettersOf(pool).redrive({}, new Date())
  await expect
    .poll(async () => (await lettersOf(pool).list({})).length, { timeout: 10_000 })
    .toBe(0)
  await untilSettled(pool)

  expect([parked.state, failing.answer.status, waited.answer.status]).toEqual(['parked', 500, 201])
  expect((await messageOf(url, guid)).response.body).toEqual(bodyOf(waited))
  expect(await balanceOf(url, userId)).toBe(1000 - 450)
  expect(await faultsIn(pool)).toEqual([])
})
