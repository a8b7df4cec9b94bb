import { localOperator, makeCommand } from '@semel/commands'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  ask,
  bodyOf,
  freshId,
  statusCounts,
  times,
  tokenOf,
  tokenSecret,
} from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { createBilling, migrations, takeCharge } from '../src/service.ts'

async function openBank(callers?: { secret: string }) {
  const { pool } = await testDatabase(migrations)
  const billing = createBilling({ pool, currency: 'EUR' })
  onTestFinished(() => billing.stop())
  const secret = callers === undefined ? {} : { callers: { kind: 'secret' as const, ...callers } }
  return { pool, billing, url: await serve(billing, secret) }
}

const put = (userId: string, amount: unknown, key = freshId()) => ({
  path: `/accounts/${userId}/deposits`,
  key,
  body: { amount },
})
const read = (path: string) => ({ method: 'GET' as const, path })

describe('an account', () => {
  it('is opened once, whatever the key, and keeps its name', async () => {
    const { url } = await openBank()
    const userId = freshId()
    const asked = { path: '/accounts', body: { userId, name: 'Ann' } }

    const first = await ask(url, asked)
    const repeat = await ask(url, asked)
    const underAnotherKey = await ask(url, { ...asked, key: 'another' })
    const other = await ask(url, { ...asked, key: 'bob', body: { userId, name: 'Bob' } })
    const kept = await ask(url, read(`/accounts/${userId}`))

    expect(first.answer).toMatchObject({
      status: 201,
      headers: { location: `/accounts/${userId}` },
    })
    expect(bodyOf(first)).toMatchObject({ userId, name: 'Ann', balance: 0, currency: 'EUR' })
    expect(repeat).toEqual({ ...first, replayed: true })
    expect(underAnotherKey.answer).toMatchObject({ status: 200, body: first.answer.body })
    expect(bodyOf(other)).toMatchObject({ status: 409, type: '/problems/account-conflict' })
    expect(bodyOf(kept)).toEqual(bodyOf(first))
  })

  it('counts a deposit once, however often it is sent, and each key for itself', async () => {
    const { url } = await openBank()
    const userId = freshId()
    await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })

    const told = await Promise.all(times(20, (n) => ask(url, put(userId, 100, `key-${n % 2}`))))
    const entries = bodyOf(await ask(url, read(`/accounts/${userId}/entries`)))

    expect(statusCounts(told)).toEqual({ 201: 20 })
    expect(new Set(told.map(({ answer }) => answer.body)).size).toBe(2)
    expect(bodyOf(await ask(url, read(`/accounts/${userId}`)))).toMatchObject({ balance: 200 })
    expect(entries).toMatchObject({
      items: [
        { kind: 'deposit', amount: 100, balanceAfter: 200 },
        { kind: 'deposit', amount: 100, balanceAfter: 100 },
      ],
      nextCursor: null,
    })
  })

  it('lists its entries newest first, page by page, with the orders they are for', async () => {
    const { url, billing } = await openBank()
    const [userId, orderId] = [freshId(), freshId()]
    await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })
    for (const amount of [1, 2, 3]) await ask(url, put(userId, amount))
    const input = { orderId, version: 1, userId, amount: 4, currency: 'EUR' }
    const asked = { scope: localOperator, key: 'm', receivedAt: new Date(), input }
    await billing.executor.submit(makeCommand(takeCharge, asked))

    const page = bodyOf(await ask(url, read(`/accounts/${userId}/entries?limit=2`)))
    await ask(url, put(userId, 9))
    const next = await ask(
      url,
      read(`/accounts/${userId}/entries?limit=2&cursor=${page.nextCursor}`),
    )

    const amounts = (items: { amount: number }[]) => items.map(({ amount }) => amount)
    expect(amounts(page.items)).toEqual([-4, 3])
    expect(page.items[0]).toMatchObject({ kind: 'charge', orderId, orderVersion: 1 })
    expect(amounts(bodyOf(next).items)).toEqual([2, 1])
    expect(bodyOf(next).nextCursor).toBeNull()
  })

  it('that nobody opened takes no deposit, and that stays the answer to its key', async () => {
    const { url } = await openBank()
    const userId = freshId()

    const early = await ask(url, put(userId, 100, 'early'))
    await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })
    const repeat = await ask(url, put(userId, 100, 'early'))

    expect(bodyOf(early)).toMatchObject({ status: 404, type: '/problems/account-unknown' })
    expect(repeat).toEqual({ ...early, replayed: true })
    expect(bodyOf(await ask(url, read(`/accounts/${userId}`)))).toMatchObject({ balance: 0 })
  })

  it('that only orders asked for is still one that nobody opened', async () => {
    const { url, billing } = await openBank()
    const [userId, orderId] = [freshId(), freshId()]
    const input = { orderId, version: 1, userId, amount: 4, currency: 'EUR' }
    const asked = { scope: localOperator, key: 'm', receivedAt: new Date(), input }
    await billing.executor.submit(makeCommand(takeCharge, asked))

    const told = [
      await ask(url, read(`/accounts/${userId}`)),
      await ask(url, read(`/accounts/${userId}/entries`)),
      await ask(url, put(userId, 1)),
    ]

    expect(told.map(({ answer }) => answer.status)).toEqual([404, 404, 404])
    const opened = await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })
    expect(opened.answer.status).toBe(201)
  })

  it('is nobody’s but its user’s', async () => {
    const { url } = await openBank({ secret: tokenSecret })
    const [ann, bob] = [freshId(), freshId()]
    const token = await tokenOf(ann)
    const open = (userId: string) => ({ path: '/accounts', token, body: { userId, name: 'Ann' } })
    await ask(url, open(ann))

    const told = [
      await ask(url, open(bob)),
      await ask(url, { ...put(bob, 1), token }),
      await ask(url, { ...read(`/accounts/${bob}`), token }),
      await ask(url, { ...read(`/accounts/${bob}/entries`), token }),
    ]

    expect(told.map(({ answer }) => answer.status)).toEqual([403, 403, 403, 403])
    expect((await ask(url, { ...put(ann, 1), token })).answer.status).toBe(201)
  })
})
