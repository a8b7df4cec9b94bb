import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import { sendAgain } from './outbox-forger.ts'
import {
  balanceOf,
  faultsIn,
  itemsOf,
  migrations,
  openAccount,
  orderNow,
  startSaga,
  untilSettled,
} from './saga.ts'

const steps = ['charge-wanted', 'charge-decided', 'notification-wanted']

/** Every step between services once more, by its own message and by one that looks new. */
async function repeatAllSteps(pool: Pool): Promise<void> {
  for (const underNewIds of [false, true]) {
    for (const type of steps) await sendAgain(pool, type, { underNewIds })
  }
  await untilSettled(pool)
}

function cancel(id: string): Asked {
  return { method: 'DELETE', path: `/orders/${id}`, key: `cancel-${id}` }
}

async function place(url: string, userId: string): Promise<string> {
  const told = await ask(url, { key: freshId(), body: orderOf(userId) })
  expect(told.answer.status).toBe(201)
  return bodyOf(told).id
}

/** The movements of money for an order, oldest first. */
async function postedFor(pool: Pool, orderId: string): Promise<number[]> {
  const { rows } = await pool.query(
    'select amount from entries where order_id = $1 order by number',
    [orderId],
  )
  return rows.map(({ amount }) => amount)
}

async function openShop() {
  const database = await testDatabase(migrations)
  return { database, pool: database.pool, userId: freshId() }
}

describe('an order that was declined', () => {
  it('stays declined when its charge comes again after a deposit; its user is told once', async () => {
    const { database, pool, userId } = await openShop()
    const { url } = await startSaga(database)
    await openAccount(url, userId, 449)
    const id = await place(url, userId)
    await untilSettled(pool)
    const deposit = { path: `/accounts/${userId}/deposits`, key: 'more', body: { amount: 1000 } }
    await ask(url, deposit)

    await repeatAllSteps(pool)
    await repeatAllSteps(pool)

    expect(bodyOf(await orderNow(url, id)).status).toBe('declined')
    expect(await balanceOf(url, userId)).toBe(1449)
    const told = await itemsOf(url, `/notifications?orderId=${id}`)
    expect(told.map(({ kind }) => kind)).toEqual(['grief'])
    expect(await postedFor(pool, id)).toEqual([])
    expect(await faultsIn(pool, { forged: true })).toEqual([])
  })
})

describe('an order that is cancelled', () => {
  it('before its charge comes is never charged, in whichever order both come', async () => {
    const { database, pool, userId } = await openShop()
    const early = await startSaga(database, { without: ['billing', 'messages', 'notifications'] })
    const ids = await Promise.all(times(5, () => place(early.url, userId)))
    for (const id of ids) expect((await ask(early.url, cancel(id))).answer.status).toBe(200)
    await early.stop()
    // The same places, the other way round: every cancel comes before every charge.
    await pool.query(`
      update outbox set position = -1 - position where topic = 'billing'`)
    await pool.query(`
      update outbox set position = position + (select next from heads where topic = 'billing')
       where topic = 'billing'`)
    const { url } = await startSaga(database)
    await openAccount(url, userId, 5000)

    await untilSettled(pool)
    await repeatAllSteps(pool)

    const orders = await itemsOf(url, `/orders?userId=${userId}`)
    expect(orders.map(({ status }) => status)).toEqual(Array(5).fill('cancelled'))
    expect(await balanceOf(url, userId)).toBe(5000)
    for (const id of ids) expect(await postedFor(pool, id)).toEqual([])
    expect(await itemsOf(url, `/notifications?userId=${userId}`)).toEqual([])
    expect(await faultsIn(pool, { forged: true })).toEqual([])
  })

  it('while it is being charged, or after, has its money back once, whatever is repeated', async () => {
    const { database, pool, userId } = await openShop()
    const { url } = await startSaga(database)
    await openAccount(url, userId, 50_000)
    const paid = await Promise.all(times(10, () => place(url, userId)))
    await untilSettled(pool)
    const paidBalance = await balanceOf(url, userId)

    // Some cancels come with the charge, some behind it.
    const during = await Promise.all(
      times(30, async () => {
        const id = await place(url, userId)
        await ask(url, cancel(id))
        return id
      }),
    )
    const cancels = await Promise.all(paid.flatMap((id) => times(3, () => ask(url, cancel(id)))))
    await untilSettled(pool)
    await repeatAllSteps(pool)
    await Promise.all(paid.map((id) => ask(url, { ...cancel(id), key: `again-${id}` })))
    await untilSettled(pool)

    expect(statusCounts(cancels)).toEqual({ 200: 30 })
    expect(paidBalance).toBe(50_000 - 10 * 450)
    expect(await balanceOf(url, userId)).toBe(50_000)
    for (const id of paid) expect(await postedFor(pool, id)).toEqual([-450, 450])
    for (const id of during) {
      expect([[], [-450, 450]]).toContainEqual(await postedFor(pool, id))
      expect(bodyOf(await orderNow(url, id)).status).toBe('cancelled')
    }
    expect(await faultsIn(pool, { forged: true })).toEqual([])
  })
})

it('every step between services may be repeated under new ids, and the books stay whole', async () => {
  const { database, pool, userId } = await openShop()
  const { url } = await startSaga(database, { partitions: 2 })
  await openAccount(url, userId, 2000)
  for (const _ of times(6, () => 0)) await place(url, userId)
  await untilSettled(pool)
  const lists = [
    ...[`/orders?userId=${userId}`, `/notifications?userId=${userId}`],
    `/accounts/${userId}/entries`,
  ]
  const listsNow = () => Promise.all(lists.map((path) => itemsOf(url, path)))
  const before = await listsNow()

  await repeatAllSteps(pool)

  const statuses = (await itemsOf(url, `/orders?userId=${userId}`)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 'paid')).toHaveLength(4)
  expect(await listsNow()).toEqual(before)
  expect(await itemsOf(url, `/notifications?userId=${userId}`)).toHaveLength(6)
  expect(await faultsIn(pool, { forged: true })).toEqual([])
})
