import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Asked,
  ask,
  asPlaced,
  bodyOf,
  freshId,
  orderOf,
  statusCounts,
  type Told,
  times,
  tokenOf,
} from './client.ts'
import { openReplicas, type Replicas, tracesOf } from './replicas.ts'

/** Each test has a user of its own; what the three processes share is their database. */
const replicas = {} as Replicas
beforeAll(async () => void Object.assign(replicas, await openReplicas(3)))
afterAll(() => replicas.close())

async function newUser() {
  const userId = freshId()
  return { userId, token: await tokenOf(userId) }
}

/** Sends all of them at once, each to the next process. */
function atOnce(all: readonly Asked[]): Promise<Told[]> {
  return Promise.all(
    all.map((asked, index) => ask(replicas.urls[index % replicas.urls.length]!, asked)),
  )
}

const answers = (told: readonly Told[]) => new Set(told.map(({ answer }) => JSON.stringify(answer)))
const firsts = (told: readonly Told[]) => told.filter(({ replayed }) => !replayed)
const oneOrder = { orders: 1, commands: 1, messages: 1 }

describe('three processes on one database', () => {
  it.each([50, 500])(
    'make one order of %i requests with one key, and answer all alike',
    async (count) => {
      const { userId, token } = await newUser()

      const told = await atOnce(
        times(count, () => ({ key: 'one-intent', token, body: orderOf(userId) })),
      )

      expect(statusCounts(told)).toEqual({ 201: count })
      expect(answers(told).size).toBe(1)
      expect(firsts(told)).toHaveLength(1)
      expect(await tracesOf(replicas.database.pool, userId)).toEqual(oneOrder)
    },
  )

  it('make 300 orders of 300 keys that are all sent to all of them at once', async () => {
    const { userId, token } = await newUser()
    const keys = times(300, (index) => `key-${index}`)

    const told = await atOnce(
      keys.flatMap((key) => times(3, () => ({ key, token, body: orderOf(userId) }))),
    )

    expect(statusCounts(told)).toEqual({ 201: 900 })
    expect(answers(told).size).toBe(300)
    expect(firsts(told)).toHaveLength(300)
    const traces = await tracesOf(replicas.database.pool, userId)
    expect(traces).toEqual({ orders: 300, commands: 300, messages: 300 })
  })

  it('let one of two bodies win a key, and refuse the other one every time', async () => {
    const { userId, token } = await newUser()
    const bodies = [orderOf(userId, 2), orderOf(userId, 999)]

    const told = await atOnce(
      times(60, (index) => ({ key: 'two-intents', token, body: bodies[(index >> 2) & 1]! })),
    )

    const won = told.filter(({ answer }) => answer.status === 201)
    const isWinners = told
      .map((_, index) => bodies[(index >> 2) & 1]!.lines[0]!.quantity)
      .map((quantity) => quantity === bodyOf(won[0]!).lines[0].quantity)
    expect(told.map(({ answer }) => answer.status)).toEqual(
      isWinners.map((winner) => (winner ? 201 : 422)),
    )
    expect(answers(won).size).toBe(1)
    expect(firsts(won)).toHaveLength(1)
    expect(await tracesOf(replicas.database.pool, userId)).toEqual(oneOrder)
  })

  it('make one order of one id that the client made, sent under many keys and none', async () => {
    const { userId, token } = await newUser()
    const body = orderOf(userId, 1, freshId())

    const told = await atOnce(
      times(30, (index) => ({
        token,
        body,
        ...(index % 3 === 0 ? {} : { key: `key-${index >> 1}` }),
      })),
    )

    expect(new Set(told.map(({ answer }) => answer.status))).toEqual(new Set([201, 200]))
    expect(new Set(told.map((one) => bodyOf(one).id))).toEqual(new Set([body.id]))
    expect(new Set(told.map((one) => JSON.stringify(asPlaced(bodyOf(one))))).size).toBe(1)
    const { orders, messages } = await tracesOf(replicas.database.pool, userId)
    expect({ orders, messages }).toEqual({ orders: 1, messages: 1 })
  })

  it('give an id to one of two orders, and tell the other where it is', async () => {
    const { userId, token } = await newUser()
    const id = freshId()

    const told = await atOnce(
      times(2, (index) => ({ key: `key-${index}`, token, body: orderOf(userId, index + 1, id) })),
    )

    expect(statusCounts(told)).toEqual({ 201: 1, 409: 1 })
    const refused = told.find(({ answer }) => answer.status === 409)!
    expect(bodyOf(refused)).toMatchObject({ type: '/problems/already-exists' })
    expect(refused.answer.headers.location).toBe(`/orders/${id}`)
    expect(await tracesOf(replicas.database.pool, userId)).toMatchObject({ orders: 1, messages: 1 })
  })

  it('tell nobody of an order whose id another user took', async () => {
    const [ann, bob] = [await newUser(), await newUser()]
    const id = freshId()
    await atOnce([{ token: ann.token, body: orderOf(ann.userId, 1, id) }])

    const [told, seen] = [
      await ask(replicas.urls[1]!, { token: bob.token, body: orderOf(bob.userId, 1, id) }),
      await ask(replicas.urls[1]!, { method: 'GET', path: `/orders/${id}`, token: bob.token }),
    ]

    expect([told.answer.status, told.answer.headers.location]).toEqual([409, null])
    expect(told.answer.body).not.toContain(ann.userId)
    expect(seen.answer.status).toBe(404)
    expect(await tracesOf(replicas.database.pool, bob.userId)).toMatchObject({ orders: 0 })
  })

  it('keep callers apart: the same key of another user is another command', async () => {
    const users = await Promise.all(times(3, newUser))

    const told = await atOnce(
      times(30, (index) => {
        const { userId, token } = users[(index >> 1) % 3]!
        return { key: 'the-same-key', token, body: orderOf(userId) }
      }),
    )

    expect(statusCounts(told)).toEqual({ 201: 30 })
    expect(answers(told).size).toBe(3)
    expect(firsts(told)).toHaveLength(3)
    const traces = users.map(({ userId }) => tracesOf(replicas.database.pool, userId))
    expect(await Promise.all(traces)).toEqual([oneOrder, oneOrder, oneOrder])
  })

  it('apply one update, sent 50 times under one key, once, and never call it out of date', async () => {
    const { userId, token } = await newUser()
    const [placed] = await atOnce([{ key: 'place', token, body: orderOf(userId) }])
    const path = `/orders/${bodyOf(placed!).id}`
    const body = { version: 1, lines: orderOf(userId, 7).lines }

    const updated = await atOnce(
      times(50, () => ({ method: 'PUT', path, key: 'update', token, body })),
    )
    const cancelled = await atOnce(
      times(50, () => ({ method: 'DELETE', path: `${path}?version=2`, key: 'cancel', token })),
    )

    expect([statusCounts(updated), statusCounts(cancelled)]).toEqual([{ 200: 50 }, { 200: 50 }])
    expect([answers(updated).size, answers(cancelled).size]).toEqual([1, 1])
    expect([firsts(updated).length, firsts(cancelled).length]).toEqual([1, 1])
    expect(bodyOf(cancelled[0]!)).toMatchObject({ version: 3, status: 'cancelled' })
    const traces = await tracesOf(replicas.database.pool, userId)
    expect(traces).toEqual({ orders: 1, commands: 3, messages: 3 })
  })

  it('let one of 20 updates from one version win, and replay it to the winner for ever', async () => {
    const { userId, token } = await newUser()
    const [placed] = await atOnce([{ key: 'place', token, body: orderOf(userId) }])
    const path = `/orders/${bodyOf(placed!).id}`
    const updates = times(20, (index) => ({
      method: 'PUT' as const,
      path,
      key: `update-${index}`,
      token,
      body: { version: 1, lines: orderOf(userId, index + 2).lines },
    }))

    const told = await atOnce(updates)
    const repeats = await atOnce([...updates].reverse())

    expect(statusCounts(told)).toEqual({ 200: 1, 409: 19 })
    const refused = told.filter(({ answer }) => answer.status === 409).map(bodyOf)
    expect(refused).toEqual(
      Array(19).fill(
        expect.objectContaining({ code: 3043, currentVersion: 2, title: 'data is out of date' }),
      ),
    )
    expect(repeats.reverse().map(({ answer }) => answer)).toEqual(told.map(({ answer }) => answer))
    expect(firsts(repeats)).toEqual([])
    const won = bodyOf(told.find(({ answer }) => answer.status === 200)!)
    const now = await ask(replicas.urls[2]!, { method: 'GET', path, token })
    expect(won).toMatchObject({ version: 2, message: 'order updated' })
    expect({ ...asPlaced(bodyOf(now)), message: 'order updated' }).toEqual(asPlaced(won))
  })

  it('refuse a version that was never given, and one that is gone, without effect', async () => {
    const { userId, token } = await newUser()
    const [placed] = await atOnce([{ key: 'place', token, body: orderOf(userId) }])
    const path = `/orders/${bodyOf(placed!).id}`
    const put = (key: string, version: number, headers = {}) =>
      ({
        method: 'PUT',
        path,
        key,
        token,
        headers,
        body: { version, lines: orderOf(userId, 9).lines },
      }) as const

    const told = await atOnce([
      put('future', 500),
      put('future-with-tags', 500, { 'if-match': '"1-pending", "1-declined"' }),
      put('stale-tag', 1, { 'if-match': '"7-pending"' }),
      { method: 'DELETE', path: `${path}?version=2`, key: 'cancel', token },
    ])

    expect(told.map(({ answer }) => answer.status)).toEqual([409, 409, 412, 409])
    expect(told.map(bodyOf)).toEqual(
      Array(4).fill(expect.objectContaining({ code: 3043, currentVersion: 1 })),
    )
    const now = await ask(replicas.urls[0]!, { method: 'GET', path, token })
    expect(asPlaced(bodyOf(now))).toEqual(asPlaced(bodyOf(placed!)))
    expect(await tracesOf(replicas.database.pool, userId)).toEqual({ ...oneOrder, commands: 5 })
  })
})
