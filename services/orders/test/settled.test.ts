import {
  createExecutor,
  type Executor,
  localOperator,
  makeCommand,
  serviceScope,
} from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { type Pool, transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, bodyOf, freshId, orderOf, times } from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { type OrderCommand, orderDecider } from '../src/order.ts'
import { createOrders, migrations, settleOrder } from '../src/service.ts'
import { orderRepository } from '../src/sql.ts'

type Outcome = 'paid' | 'declined'

const price = orderOf('').lines[0]!.unitPrice

/** What billing says of an order of one, in a message of its own each time. */
function decided(orderId: string, version: number, outcome: Outcome, at = new Date()) {
  return makeCommand(settleOrder, {
    scope: serviceScope('billing'),
    key: `i:${freshId()}`,
    receivedAt: at,
    input: { orderId, version, userId: freshId(), amount: price, currency: 'EUR', outcome },
  })
}

async function openOrders() {
  const { pool } = await testDatabase(migrations)
  const orders = createOrders({ pool, currency: 'EUR' })
  onTestFinished(() => orders.stop())
  const url = await serve(orders)
  const settle = async (id: string, version: number, outcome: Outcome) => {
    const settled = await orders.executor.submit(decided(id, version, outcome))
    expect(settled).toMatchObject({ kind: 'answered', answer: { status: 200 } })
  }
  const place = async () => {
    const [id, userId] = [freshId(), freshId()]
    const placed = bodyOf(await ask(url, { body: orderOf(userId, 1, id) }))
    return { id, userId, path: `/orders/${id}`, number: placed.number }
  }
  const get = async (path: string) => ask(url, { method: 'GET', path })
  return { pool, url, settle, place, get }
}

async function notificationsIn(pool: Pool): Promise<object[]> {
  const { rows } = await pool.query(
    `select partition_key, body from outbox where topic = 'notification' order by position`,
  )
  return rows.map((row) => ({ key: row.partition_key, ...JSON.parse(row.body) }))
}

describe('an order that billing has decided about', () => {
  it('is paid: its entity tag changes, its version does not, and its user is told', async () => {
    const { pool, settle, place, get } = await openOrders()
    const { id, userId, path, number } = await place()
    const before = await get(path)

    await settle(id, 1, 'paid')

    const after = await get(path)
    expect(bodyOf(after)).toMatchObject({ status: 'paid', version: 1 })
    expect(bodyOf(after).updatedAt >= bodyOf(before).updatedAt).toBe(true)
    expect([before, after].map(({ answer }) => answer.headers.etag)).toEqual([
      '"1-pending"',
      '"1-paid"',
    ])
    const happiness = { orderId: id, orderVersion: 1, userId, kind: 'happiness' }
    const told = { key: userId, ...happiness, total: price, currency: 'EUR', number }
    expect(await notificationsIn(pool)).toEqual([told])
  })

  it('is declined, and its user is told in grief', async () => {
    const { pool, settle, place, get } = await openOrders()
    const { id, path } = await place()

    await settle(id, 1, 'declined')

    expect(bodyOf(await get(path))).toMatchObject({ status: 'declined', version: 1 })
    expect(await notificationsIn(pool)).toMatchObject([{ orderId: id, kind: 'grief' }])
  })

  it('stays as it is when the decision, or any other, comes again', async () => {
    const { pool, settle, place, get } = await openOrders()
    const { id, path } = await place()
    await settle(id, 1, 'declined')
    const settled = await get(path)

    await settle(id, 1, 'declined')
    await settle(id, 1, 'paid')

    expect(await get(path)).toEqual(settled)
    expect(await notificationsIn(pool)).toHaveLength(1)
  })

  it('follows the decision about its current version, not an earlier or later one', async () => {
    const { pool, url, settle, place, get } = await openOrders()
    const { id, path } = await place()
    const lines = orderOf('', 2).lines
    await ask(url, { method: 'PUT', path, key: 'u', body: { version: 1, lines } })

    await settle(id, 1, 'declined')
    await settle(id, 3, 'declined')
    const between = bodyOf(await get(path))
    await settle(id, 2, 'paid')

    expect(between).toMatchObject({ status: 'pending', version: 2 })
    expect(bodyOf(await get(path))).toMatchObject({ status: 'paid', version: 2, total: 2 * price })
    expect(await notificationsIn(pool)).toMatchObject([{ orderVersion: 2, total: 2 * price }])
  })

  it('stays cancelled, and its user is not told', async () => {
    const { pool, url, settle, place, get } = await openOrders()
    const { id, path } = await place()
    await ask(url, { method: 'DELETE', path, key: 'c' })

    await settle(id, 1, 'paid')
    await settle(id, 2, 'paid')

    expect(bodyOf(await get(path))).toMatchObject({ status: 'cancelled', version: 2 })
    expect(await notificationsIn(pool)).toEqual([])
  })

  it('can be edited by who read it before the payment, but not under its old tag', async () => {
    const { url, settle, place, get } = await openOrders()
    const { id, path } = await place()
    await settle(id, 1, 'paid')
    const put = { method: 'PUT' as const, path }
    const { lines } = orderOf('', 2)

    const byTag = await ask(url, {
      ...{ ...put, key: 'tag', body: { lines } },
      headers: { 'if-match': '"1-pending"' },
    })
    const byVersion = await ask(url, { ...put, key: 'version', body: { version: 1, lines } })

    expect(bodyOf(byTag)).toMatchObject({ status: 412, code: 3043 })
    expect(bodyOf(byVersion)).toMatchObject({ status: 'pending', version: 2 })
    expect(bodyOf(await get(path))).toMatchObject({ status: 'pending', version: 2 })
  })

  it('is nothing to orders if there is no such order', async () => {
    const { pool, settle } = await openOrders()

    await settle(freshId(), 1, 'paid')

    expect(await notificationsIn(pool)).toEqual([])
  })
})

describe('payments and edits that race, from several processes', () => {
  it('lose neither: every order ends with its last edit and what was decided of it', async () => {
    const { pool, anotherPool } = await testDatabase(migrations)
    const executors = times(4, () =>
      createExecutor({
        store: postgresStore(anotherPool()),
        repository: orderRepository,
        decider: orderDecider('EUR'),
        contracts: [placeOrder, updateOrder, cancelOrder, settleOrder],
        append: outboxAppend(),
      }),
    )
    const ids = times(30, freshId)
    const asked = () => ({ scope: localOperator, key: freshId(), receivedAt: new Date() })
    const { lines } = orderOf('', 7)
    await submitAll(
      executors,
      ids.map((id) => makeCommand(placeOrder, { ...asked(), input: orderOf(freshId(), 1, id) })),
    )

    await submitAll(executors, [
      ...ids.map((id) => decided(id, 1, 'paid')),
      ...ids.map((id) =>
        makeCommand(updateOrder, { ...asked(), input: { id, version: 1, lines } }),
      ),
      ...ids.map((id) => decided(id, 2, 'declined')),
    ])
    await submitAll(
      executors,
      ids.map((id) => decided(id, 2, 'declined')),
    )

    const { rows } = await pool.query('select distinct version, status, total from orders')
    expect(rows).toEqual([{ version: 2, status: 'declined', total: 7 * price }])
    const told = (await notificationsIn(pool)) as { orderId: string; orderVersion: number }[]
    const ofVersion2 = told.filter(({ orderVersion }) => orderVersion === 2)
    expect(new Set(ofVersion2.map(({ orderId }) => orderId)).size).toBe(30)
    expect(ofVersion2).toHaveLength(30)
  })

  it('a write over what another wrote meanwhile is refused by the statement itself', async () => {
    const { pool, settle, place } = await openOrders()
    const { id } = await place()
    const orders = await transaction(pool, (tx) => orderRepository.load(tx, [id], []))
    const loaded = orders.get(id)!
    if (loaded.status === 'absent') throw new Error('it was placed')
    await settle(id, 1, 'paid')

    const late = { ...loaded, status: 'declined' as const }
    const edited = { ...loaded, version: 2, total: 1 }

    for (const order of [late, edited]) {
      const saved = transaction(pool, (tx) => orderRepository.save(tx, [order]))
      await expect(saved).rejects.toThrow('0 of 1 rows')
    }
  })
})

async function submitAll(executors: readonly Executor[], commands: readonly OrderCommand[]) {
  const outcomes = await Promise.all(
    commands.map((command, place) => executors[place % executors.length]!.submit(command)),
  )
  expect(outcomes.filter(({ kind }) => kind !== 'answered')).toEqual([])
}
