import { hash } from 'node:crypto'
import { fingerprintOf, fingerprintRules, sweepCommands } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { command } from '@semel/contract'
import { OrderLine, placeOrder } from '@semel/contracts/orders'
import type { Face } from '@semel/http'
import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { Type } from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Asked,
  ask,
  bodyOf,
  freshId,
  orderOf,
  type Told,
  tokenOf,
  tokenSecret,
} from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { createOrders, migrations } from '../src/service.ts'

const day = 24 * 60 * 60 * 1000

/** A shop whose time is told; each `start` is another process on its database. */
async function openShop() {
  const { pool } = await testDatabase(migrations)
  let now = new Date('2026-01-01T00:00:00Z')
  const clock = () => now
  return {
    pool,
    async start(release: (face: Face) => Face = (face) => face, callers?: { secret: string }) {
      const orders = createOrders({ pool, currency: 'EUR', executor: { clock } })
      onTestFinished(() => orders.stop())
      return serve(release(orders), {
        clock,
        ...(callers === undefined ? {} : { callers: { kind: 'secret' as const, ...callers } }),
      })
    },
    /** Lets time pass, and the sweeper do what is due. */
    async pass(ms: number) {
      now = new Date(now.getTime() + ms)
      for (let due = 1; due > 0; ) {
        const { answers, tombstones } = await sweepCommands(postgresStore(pool), { clock })
        due = answers + tombstones
      }
    },
  }
}

async function ordersIn(pool: Pool): Promise<object[]> {
  return (await pool.query('select version, status from orders order by number')).rows
}

const statusOf = ({ answer }: Told) => answer.status

describe('a repeat', () => {
  it('gets its answer for a day, and then where its order is, from every process', async () => {
    const shop = await openShop()
    const url = await shop.start()
    const place = { key: 'place', body: orderOf(freshId()) }
    const named = { body: orderOf(freshId(), 1, freshId()) }
    const first = [await ask(url, place), await ask(url, named)]

    await shop.pass(day - 1)
    const inTime = [await ask(url, place), await ask(await shop.start(), named)]
    await shop.pass(1)
    const late = [await ask(url, place), await ask(await shop.start(), named)]
    await shop.pass(day)
    const swept = [await ask(url, place), await ask(await shop.start(), named)]
    const other = await ask(await shop.start(), { key: 'place', body: orderOf(freshId(), 999) })

    expect(inTime).toEqual(first.map((told) => ({ ...told, replayed: true })))
    for (const told of [late, swept].flat()) {
      expect(bodyOf(told)).toMatchObject({ type: '/problems/key-expired', status: 410 })
    }
    const places = first.map(({ answer }) => answer.headers.location)
    expect(late.map(({ answer }) => answer.headers.location)).toEqual(places)
    expect(swept.map(({ answer }) => answer.headers.location)).toEqual(places)
    expect(statusOf(other)).toBe(410)
    expect(await ordersIn(shop.pool)).toHaveLength(2)
  })

  it('that is late learns of no order that is another user’s, or was never made', async () => {
    const shop = await openShop()
    const url = await shop.start(undefined, { secret: tokenSecret })
    const [ann, bob] = [freshId(), freshId()]
    const placed = await ask(url, { key: 'k', token: await tokenOf(ann), body: orderOf(ann) })
    const update: Asked = {
      method: 'PUT',
      path: placed.answer.headers.location!,
      key: 'k',
      body: { version: 1, lines: orderOf(ann, 5).lines },
    }
    const tooLarge = {
      key: 'too-large',
      token: await tokenOf(ann),
      body: { ...orderOf(ann), lines: [{ sku: 'sea', quantity: 1_000_000, unitPrice: 2 ** 52 }] },
    }
    const askAll = async () => [
      await ask(url, { ...update, token: await tokenOf(ann) }),
      await ask(url, { ...update, token: await tokenOf(bob) }),
      await ask(url, tooLarge),
    ]

    const first = await askAll()
    await shop.pass(day)
    const late = await askAll()

    expect(first.map(statusOf)).toEqual([200, 404, 422])
    expect(late.map(statusOf)).toEqual([410, 410, 410])
    expect(late.map(({ answer }) => answer.headers.location)).toEqual([
      placed.answer.headers.location,
      null,
      null,
    ])
  })

  it.each([
    ['key', undefined],
    ['id', freshId()],
  ])(
    'of a create whose %s was forgotten finds its order as it is now, or that it is taken',
    async (_, id) => {
      const shop = await openShop()
      const url = await shop.start()
      const userId = freshId()
      const asked = (quantity: number) => ({
        ...(id === undefined ? { key: 'place' } : {}),
        body: orderOf(userId, quantity, id),
      })
      const first = await ask(url, asked(1))
      const path = first.answer.headers.location!
      const body = { version: 1, lines: orderOf(userId, 7).lines }
      const update: Asked = { method: 'PUT', path, key: 'update', body }
      await ask(url, update)

      await shop.pass(31 * day)
      const [same, again, other] = [await shop.start(), await shop.start(), await shop.start()]
      const natural = await ask(same, asked(1))
      const repeat = await ask(again, asked(1))
      const reused = await ask(other, asked(999))
      await shop.pass(31 * day)
      const taken = await ask(await shop.start(), asked(999))
      const stale = await ask(await shop.start(), update)

      expect(statusOf(natural)).toBe(200)
      expect(bodyOf(natural)).toMatchObject({ id: bodyOf(first).id, version: 2 })
      expect(bodyOf(natural).lines).toEqual(body.lines)
      expect(repeat).toEqual({ ...natural, replayed: true })
      expect(bodyOf(reused)).toMatchObject({ type: '/problems/key-reused' })
      expect(bodyOf(taken)).toMatchObject({ type: '/problems/already-exists' })
      expect(taken.answer.headers.location).toBe(path)
      expect(bodyOf(stale)).toMatchObject({ code: 3043, currentVersion: 2 })
      expect(await ordersIn(shop.pool)).toEqual([{ version: 2, status: 'pending' }])
    },
  )

  it('of a create never brings back an order that was cancelled since', async () => {
    const shop = await openShop()
    const url = await shop.start()
    const place = { key: 'place', body: orderOf(freshId()) }
    const first = await ask(url, place)
    const path = first.answer.headers.location!
    const cancel: Asked = { method: 'DELETE', path, key: 'cancel' }
    const cancelled = await ask(url, cancel)

    const soon = await ask(await shop.start(), place)
    await shop.pass(31 * day)
    const late = [await ask(await shop.start(), place), await ask(await shop.start(), cancel)]
    await shop.pass(31 * day)
    const update = { key: 'update', body: { version: 2, lines: place.body.lines } }
    const refused = await ask(await shop.start(), { method: 'PUT', path, ...update })

    expect(soon).toEqual({ ...first, replayed: true })
    expect(late.map(statusOf)).toEqual([200, 200])
    expect(late.map(bodyOf)).toEqual([bodyOf(cancelled), bodyOf(cancelled)])
    expect(bodyOf(refused)).toMatchObject({ type: '/problems/order-cancelled' })
    expect(await ordersIn(shop.pool)).toEqual([{ version: 2, status: 'cancelled' }])
  })
})

describe('a new release', () => {
  const twoLines = Type.Array(OrderLine, { minItems: 2 })
  const stricter = (face: Face): Face => ({
    ...face,
    commands: face.commands.map((mounted) =>
      mounted.contract.operation === placeOrder.operation
        ? {
            ...mounted,
            contract: command({ ...placeOrder, body: { ...placeOrder.body, lines: twoLines } }),
          }
        : mounted,
    ),
  })

  it('that validates more strictly still repeats what an older one answered', async () => {
    const shop = await openShop()
    const userId = freshId()
    const place = { key: 'old', body: orderOf(userId) }
    const named = { body: orderOf(userId, 1, freshId()) }
    const old = await shop.start()
    const first = [await ask(old, place), await ask(old, named)]

    const url = await shop.start(stricter)
    const repeats = [await ask(url, place), await ask(url, named)]
    const reused = await ask(url, { key: 'old', body: orderOf(userId, 999) })
    const fresh = await ask(url, { key: 'new', body: orderOf(userId) })

    expect(repeats).toEqual(first.map((told) => ({ ...told, replayed: true })))
    expect(bodyOf(reused)).toMatchObject({ type: '/problems/key-reused' })
    expect(bodyOf(fresh)).toMatchObject({ type: '/problems/request-invalid', status: 400 })
    expect(await ordersIn(shop.pool)).toHaveLength(2)
  })

  it('with another rule for fingerprints compares by the rule that a record was made under', async () => {
    const shop = await openShop()
    const userId = freshId()
    const [place, other] = [orderOf(userId), orderOf(userId, 999)]
    const first = await ask(await shop.start(), { key: 'place', body: place })
    await madeUnderAnOlderRule(shop.pool, place)

    const url = await shop.start()
    const repeat = await ask(url, { key: 'place', body: place })
    const reused = await ask(url, { key: 'place', body: other })
    await shop.pass(31 * day)
    const natural = await ask(await shop.start(), { key: 'place', body: place })

    expect(repeat).toEqual({ ...first, replayed: true })
    expect(bodyOf(reused)).toMatchObject({ type: '/problems/key-reused' })
    expect(statusOf(natural)).toBe(200)
    expect(await ordersIn(shop.pool)).toHaveLength(1)
  })

  it('is waited for where it made a record by a rule that is not known here', async () => {
    const shop = await openShop()
    const place = { key: 'place', body: orderOf(freshId()) }
    const first = await ask(await shop.start(), place)
    await shop.pool.query('update commands set fingerprint_version = 99')

    const early = await ask(await shop.start(), place)
    await shop.pool.query('update commands set fingerprint_version = 1')
    const later = await ask(await shop.start(), place)

    expect(bodyOf(early)).toMatchObject({ type: '/problems/unavailable', effect: 'none' })
    expect(later).toEqual({ ...first, replayed: true })
    expect(await ordersIn(shop.pool)).toHaveLength(1)
  })

  it('is waited for, too, where it made an order that is asked for under another key', async () => {
    const shop = await openShop()
    const body = orderOf(freshId(), 1, freshId())
    await ask(await shop.start(), { key: 'one', body })
    await shop.pool.query('update orders set created_from_version = 99')
    const url = await shop.start()

    const [early, neighbour] = await Promise.all([
      ask(url, { key: 'other', body }),
      ask(url, { key: 'neighbour', body: orderOf(freshId()) }),
    ])
    await shop.pool.query('update orders set created_from_version = 1')
    const later = await ask(url, { key: 'other', body })

    expect(bodyOf(early)).toMatchObject({ type: '/problems/unavailable', effect: 'none' })
    expect(statusOf(neighbour)).toBe(201)
    expect(later).toMatchObject({ answer: { status: 200 }, replayed: false })
  })
})

/** Lets the one order's records look as if a release with rule 0, still known, had made them. */
async function madeUnderAnOlderRule(pool: Pool, input: object): Promise<void> {
  const rules = fingerprintRules as Map<number, (operation: string, sent: unknown) => Buffer>
  rules.set(0, (operation, sent) => hash('sha256', JSON.stringify([operation, sent]), 'buffer'))
  onTestFinished(() => void rules.delete(0))
  const made = fingerprintOf(placeOrder.operation, input, 0)
  const values = [made.hash, made.version]
  await pool.query('update commands set fingerprint = $1, fingerprint_version = $2', values)
  await pool.query('update orders set created_from = $1, created_from_version = $2', values)
}
