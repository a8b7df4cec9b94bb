import { createIdentify, createServer } from '@semel/http'
import { openTestDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, bodyOf, freshId } from '../../../test/client.ts'
import { createBilling, migrations } from '../src/service.ts'

const userId = freshId()
const put = (to: string, amount: unknown, key = freshId()) => ({
  path: `/accounts/${to}/deposits`,
  key,
  body: { amount },
})

let url: string
let rows: () => Promise<number>
let close: () => Promise<void>

beforeAll(async () => {
  const { pool, close: drop } = await openTestDatabase(migrations)
  const billing = createBilling({ pool, currency: 'EUR' })
  const server = await createServer({
    faces: [billing],
    identify: createIdentify({ kind: 'none' }),
    ready: async () => ({ ready: true, faults: [] }),
  })
  url = `http://127.0.0.1:${(await server.listen({ host: '127.0.0.1', port: 0 })).port}`
  rows = async () => {
    const { rows: counted } = await pool.query(
      `select (select count(*) from commands) + (select count(*) from accounts)
            + (select count(*) from entries) as n`,
    )
    return counted[0].n
  }
  close = async () => {
    await server.close()
    await billing.stop()
    await drop()
  }
  await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })
})
afterAll(() => close())

describe('a deposit that is none', () => {
  it.each([
    ['zero', 0],
    ['negative', -50],
    ['a fraction', 1.5],
    ['text', '100'],
    ['a list', [100]],
    ['null', null],
    ['beyond safe integers', 2 ** 53],
    ['left out', undefined],
  ])('is refused when it is %s, and leaves nothing', async (_, amount) => {
    const before = await rows()

    const told = await ask(url, put(userId, amount))

    expect(bodyOf(told)).toMatchObject({
      ...{ status: 400, type: '/problems/request-invalid' },
      errors: [{ in: 'body', pointer: '/amount' }],
    })
    expect(await rows()).toBe(before)
  })

  it('is refused when the balance could not be counted with it, and that is recorded', async () => {
    await ask(url, put(userId, Number.MAX_SAFE_INTEGER))

    const told = await ask(url, put(userId, 1, 'too-much'))
    const repeat = await ask(url, put(userId, 1, 'too-much'))

    expect(bodyOf(told)).toMatchObject({ status: 422, type: '/problems/balance-too-large' })
    expect(repeat).toEqual({ ...told, replayed: true })
    expect(bodyOf(await ask(url, { method: 'GET', path: `/accounts/${userId}` }))).toMatchObject({
      balance: Number.MAX_SAFE_INTEGER,
    })
  })

  it('is refused without a key, and to somebody who is no UUID', async () => {
    const { key: _, ...keyless } = put(freshId(), 1)

    expect(bodyOf(await ask(url, keyless))).toMatchObject({ type: '/problems/key-missing' })
    expect(bodyOf(await ask(url, put('ann', 1)))).toMatchObject({
      errors: [{ in: 'path', pointer: '/userId' }],
    })
  })
})

describe('an account that is none', () => {
  it.each([
    ['has no name', { name: undefined }, '/name'],
    ['has an empty name', { name: '' }, '/name'],
    ['has a name without end', { name: 'x'.repeat(201) }, '/name'],
    ['has a line break in its name', { name: 'Ann\nBob' }, '/name'],
    ['brings its own balance', { balance: 1_000_000 }, '/balance'],
    ['is for somebody who is no UUID', { userId: 'ann' }, '/userId'],
  ])('is refused when it %s, and leaves nothing', async (_, wrong, pointer) => {
    const before = await rows()
    const body = { userId: freshId(), name: 'Ann', ...wrong }
    const told = await ask(url, { path: '/accounts', key: freshId(), body })

    expect(bodyOf(told)).toMatchObject({ status: 400, errors: [{ in: 'body', pointer }] })
    expect(await rows()).toBe(before)
  })
})
