import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend, partitionOf, postgresDeadLetters } from '@semel/topics'
import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, times } from './client.ts'
import { type Forged, forge } from './outbox-forger.ts'
import {
  balanceOf,
  migrations,
  openAccount,
  orderNow,
  replayTopics,
  startSaga,
  untilRead,
  untilSettled,
} from './saga.ts'

type Bad = Pick<Forged, 'type' | 'body'> & Readonly<{ reason: string }> & Partial<Forged>

/** What a message that asks for money says, but for some of it. */
function charge(userId: string, part: object = {}): string {
  const whole = { orderId: freshId(), version: 1, userId, amount: 100, currency: 'EUR' }
  return JSON.stringify({ ...whole, ...part })
}

function deposit(userId: string, input: object = {}, key: unknown = `h:${freshId()}`): string {
  return JSON.stringify({ key, input: { userId, amount: 100, ...input } })
}

const violated = { type: 'charge-wanted', reason: 'contract-violated' }
const moneyless = { type: 'deposit', reason: 'contract-violated', scope: 'local/operator' }

/** By what is wrong: messages to billing that nothing can be made of. */
const badOnes: Readonly<Record<string, (userId: string) => Bad>> = {
  'no JSON': () => ({ type: 'charge-wanted', body: '{"orderId":', reason: 'not-json' }),
  'a time that is none': (userId) => ({
    ...{ type: 'charge-wanted', body: charge(userId), time: 'infinity' },
    reason: 'envelope-invalid',
  }),
  'a year beyond those of JavaScript': (userId) => ({
    ...{ type: 'charge-wanted', body: charge(userId), time: '290000-01-01' },
    reason: 'envelope-invalid',
  }),
  'no object': () => ({ ...violated, body: '17' }),
  null: () => ({ ...violated, body: 'null' }),
  'a list': () => ({ ...violated, body: '[]' }),
  'no amount': (userId) => ({ ...violated, body: charge(userId, { amount: undefined }) }),
  'an amount as text': (userId) => ({ ...violated, body: charge(userId, { amount: '100' }) }),
  'a negative amount': (userId) => ({ ...violated, body: charge(userId, { amount: -100 }) }),
  'half a cent': (userId) => ({ ...violated, body: charge(userId, { amount: 0.5 }) }),
  'an amount beyond the safe integers': (userId) => ({
    ...violated,
    body: charge(userId).replace('100', '9007199254740993'),
  }),
  'an amount beyond all numbers': (userId) => ({
    ...violated,
    body: charge(userId).replace('100', '1e999'),
  }),
  'version 0': (userId) => ({ ...violated, body: charge(userId, { version: 0 }) }),
  'a version beyond its column': (userId) => ({
    ...violated,
    body: charge(userId, { version: 2 ** 31 }),
  }),
  'an order that is no UUID': (userId) => ({ ...violated, body: charge(userId, { orderId: '1' }) }),
  'another currency': (userId) => ({
    ...{ type: 'charge-wanted', reason: 'failed' },
    body: charge(userId, { currency: 'USD' }),
  }),
  'a type nobody declares': (userId) => ({
    ...{ type: 'charge-wanted-2', reason: 'type-unknown' },
    body: charge(userId),
  }),
  'a type of another topic': (userId) => ({
    ...{ type: 'charge-decided', reason: 'type-unknown' },
    body: charge(userId),
  }),
  'a source that is none': (userId) => ({
    ...{ type: 'charge-wanted', reason: 'envelope-invalid', source: 'Orders!' },
    body: charge(userId),
  }),
  'a scope that is none': (userId) => ({
    ...{ type: 'deposit', reason: 'envelope-invalid', scope: 'nobody' },
    body: deposit(userId),
  }),
  'a deposit of nothing': (userId) => ({ ...moneyless, body: deposit(userId, { amount: 0 }) }),
  'a negative deposit': (userId) => ({ ...moneyless, body: deposit(userId, { amount: -5 }) }),
  'a deposit as text': (userId) => ({ ...moneyless, body: deposit(userId, { amount: '5' }) }),
  'a deposit without a key': (userId) => ({ ...moneyless, body: deposit(userId, {}, null) }),
  '10 MB': (userId) => ({
    ...{ type: 'charge-wanted', reason: 'too-large' },
    body: charge(userId, { note: 'x'.repeat(10_000_000) }),
  }),
}

const partitions = 2

function lettersIn(pool: Pool) {
  return postgresDeadLetters({ pool, append: outboxAppend() }).list({}, { lettersMax: 1000 })
}

/** The product with a user for each kind of bad message, and others beside them, with 1,000 each. */
async function openShop() {
  const database = await testDatabase(migrations)
  const { url } = await startSaga(database, { partitions })
  const victims = new Map(Object.keys(badOnes).map((name) => [name, freshId()]))
  const others = times(10, freshId)
  const userIds = [...victims.values(), ...others]
  await Promise.all(userIds.map((userId) => openAccount(url, userId, 1000)))
  const forgeAll = () =>
    forge(
      database.pool,
      [...victims].map(([name, userId]) => {
        const { reason: _, ...bad } = badOnes[name]!(userId)
        const partition = partitionOf(userId, partitions)
        return { topic: 'billing', partition, partitionKey: userId, ...bad }
      }),
    )
  const place = async (userId: string) =>
    bodyOf(await ask(url, { key: freshId(), body: orderOf(userId) })).id as string
  const statusOf = async (id: string) => bodyOf(await orderNow(url, id)).status
  return { pool: database.pool, url, victims, others, forgeAll, place, statusOf }
}

it('what nothing can be made of is set aside with its reason; it moves no money', async () => {
  const { pool, url, victims, others, forgeAll, place, statusOf } = await openShop()

  await forgeAll()
  const placed = await Promise.all(others.map(place))
  await untilRead(pool)
  await untilSettled(pool)

  const letters = (await lettersIn(pool)).filter(({ group }) => group === 'billing')
  const reasons = new Map(letters.map(({ message, reason }) => [message.partitionKey, reason]))
  const found = [...victims].map(([name, userId]) => [name, reasons.get(userId)])
  const expected = [...victims].map(([name, userId]) => [name, badOnes[name]!(userId).reason])
  expect(found).toEqual(expected)
  expect(letters.filter(({ detail }) => detail === '')).toEqual([])
  for (const userId of victims.values()) expect(await balanceOf(url, userId)).toBe(1000)
  for (const userId of others) expect(await balanceOf(url, userId)).toBe(550)
  expect(await Promise.all(placed.map(statusOf))).toEqual(placed.map(() => 'paid'))
})

it('what follows it for the same user waits behind it, and a replay changes nothing', async () => {
  const { pool, url, victims, others, forgeAll, place, statusOf } = await openShop()
  const lettersNow = async () =>
    (await lettersIn(pool)).map(({ id, group, reason }) => `${group} ${id} ${reason}`).toSorted()
  await forgeAll()
  const held = await Promise.all([...victims.values()].map(place))
  const placed = await Promise.all(others.map(place))
  await untilRead(pool)
  const before = await lettersNow()

  await replayTopics(pool)
  await untilRead(pool)

  expect(before.filter((letter) => letter.endsWith('behind-parked'))).toHaveLength(held.length)
  expect(await lettersNow()).toEqual(before)
  expect(await Promise.all(held.map(statusOf))).toEqual(held.map(() => 'pending'))
  expect(await Promise.all(placed.map(statusOf))).toEqual(placed.map(() => 'paid'))
  for (const userId of victims.values()) expect(await balanceOf(url, userId)).toBe(1000)
  for (const userId of others) expect(await balanceOf(url, userId)).toBe(550)
})
