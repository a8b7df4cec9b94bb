import { commands as everyCommand } from '@semel/contracts/catalogue'
import type { CallerOptions } from '@semel/http'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, times, tokenOf, tokenSecret } from './client.ts'
import {
  askLater,
  balanceOf,
  endOf,
  faultsIn,
  itemsOf,
  messageOf,
  migrations,
  openAccount,
  orderNow,
  startSaga,
  untilSettled,
} from './saga.ts'

const byToken: CallerOptions = { kind: 'secret', secret: tokenSecret }

async function openShop(callers?: CallerOptions) {
  const database = await testDatabase(migrations)
  const { url } = await startSaga(database, callers === undefined ? {} : { callers })
  return { url, pool: database.pool }
}

function update(id: string, version: number, quantity: number, key: string): Asked {
  const { lines } = orderOf('', quantity)
  return { method: 'PUT', path: `/orders/${id}`, key, body: { version, lines } }
}

describe('a client that does not wait', () => {
  it('is told of every command how it ended, as if it had waited', async () => {
    const { url, pool } = await openShop()
    const userId = freshId()
    const id = freshId()
    const commands: Asked[] = [
      { path: '/accounts', body: { userId, name: 'Ann' } },
      { path: `/accounts/${userId}/deposits`, key: 'deposit', body: { amount: 5000 } },
      { body: orderOf(userId, 1, id) },
      update(id, 1, 2, 'update'),
      { method: 'DELETE', path: `/orders/${id}?version=2`, key: 'cancel' },
    ]

    const ends = []
    for (const asked of commands) {
      const guid = await askLater(url, asked)
      ends.push({ asked, guid, end: await endOf(url, guid) })
    }
    await untilSettled(pool)

    expect(ends.map(({ end }) => end.response.status)).toEqual([201, 201, 201, 200, 200])
    const operations = new Set(ends.map(({ end }) => end.operation))
    expect(operations).toEqual(new Set(everyCommand.map(({ operation }) => operation)))
    for (const { asked, guid, end } of ends) {
      const waited = await ask(url, asked)
      expect(waited.replayed).toBe(true)
      expect(waited.answer.status).toBe(end.response.status)
      expect(bodyOf(waited)).toEqual(end.response.body)
      expect(await askLater(url, asked)).toBe(guid)
      expect(await endOf(url, guid)).toEqual(end)
    }
    await untilSettled(pool)
    expect(await balanceOf(url, userId)).toBe(5000)
    expect(await faultsIn(pool)).toEqual([])
  })

  it('learns by 3043 that its update was stale, and nothing was updated', async () => {
    const { url, pool } = await openShop()
    const { id } = bodyOf(await ask(url, { key: 'place', body: orderOf(freshId()) }))
    await ask(url, update(id, 1, 5, 'first'))

    const end = await endOf(url, await askLater(url, update(id, 1, 9, 'stale')))

    expect(end).toMatchObject({ state: 'answered', operation: 'update-order', key: 'stale' })
    expect(end.response.status).toBe(409)
    expect(end.response.body).toMatchObject({ code: 3043, currentVersion: 2 })
    expect(bodyOf(await orderNow(url, id))).toMatchObject({ version: 2, total: 2250 })
    await untilSettled(pool)
    expect(await faultsIn(pool)).toEqual([])
  })

  it('is refused a deposit to nobody for ever, though the account is opened before the repeat', async () => {
    const { url, pool } = await openShop()
    const userId = freshId()
    const deposit = { path: `/accounts/${userId}/deposits`, key: 'd', body: { amount: 100 } }

    const guid = await askLater(url, deposit)
    const end = await endOf(url, guid)
    await openAccount(url, userId, 0)
    const again = await askLater(url, deposit)
    await untilSettled(pool)
    const waited = await ask(url, deposit)

    expect(again).toBe(guid)
    expect([end.response.status, waited.answer.status]).toEqual([404, 404])
    expect(await endOf(url, guid)).toEqual(end)
    expect(await balanceOf(url, userId)).toBe(0)
  })

  it('who uses one key for two bodies has two requests, and the second one is refused', async () => {
    const { url, pool } = await openShop()
    const userId = freshId()
    const [first, second] = [1, 2].map((quantity) => ({
      key: 'K',
      body: orderOf(userId, quantity),
    }))

    const guids = [await askLater(url, first!), await askLater(url, second!)]
    const ends = [await endOf(url, guids[0]!), await endOf(url, guids[1]!)]
    await untilSettled(pool)

    expect(new Set(guids).size).toBe(2)
    expect(ends.map(({ response }) => response.status)).toEqual([201, 422])
    expect(ends[1].response.body.type).toBe('/problems/key-reused')
    expect((await itemsOf(url, `/orders?userId=${userId}`)).map(({ total }) => total)).toEqual([
      450,
    ])
    const listed = await itemsOf(url, '/messages?operation=place-order&key=K')
    expect(listed.map(({ guid }) => guid).toSorted()).toEqual(guids.toSorted())
  })

  it.each(['before', 'after'])(
    'and one that does, 50 times under one key, the one sent %s the other, get one effect',
    async (order) => {
      const { url, pool } = await openShop()
      const userId = freshId()
      await openAccount(url, userId, 0)
      const path = `/accounts/${userId}/deposits`

      const rounds = await Promise.all(
        times(50, async (index) => {
          const asked = { path, key: `both-${index}`, body: { amount: 10 } }
          const ways = [() => askLater(url, asked), () => ask(url, asked)] as const
          const [later, now] = ways
          const told = order === 'before' ? [later(), now()] : [now(), later()].toReversed()
          return Promise.all(told as [Promise<string>, ReturnType<typeof ask>])
        }),
      )
      await untilSettled(pool)

      expect(await balanceOf(url, userId)).toBe(500)
      for (const [guid, waited] of rounds) {
        const { state, response } = await messageOf(url, guid)
        expect([state, response.status, waited.answer.status]).toEqual(['answered', 201, 201])
        expect(response.body).toEqual(bodyOf(waited))
      }
      expect(await faultsIn(pool)).toEqual([])
    },
  )

  it('tells nobody else: to another caller its request is pending, before and after', async () => {
    const { url } = await openShop(byToken)
    const [ann, bob] = await Promise.all(
      [freshId(), freshId()].map(async (userId) => ({ userId, token: await tokenOf(userId) })),
    )
    const asked = { key: 'mine', token: ann!.token, body: orderOf(ann!.userId) }

    const guid = await askLater(url, asked)
    const end = await endOf(url, guid, ann!.token)
    const seen = await messageOf(url, guid, bob!.token)
    const unheard = await messageOf(url, freshId(), bob!.token)
    const path = '/messages?operation=place-order&key=mine'
    const listed = await ask(url, { method: 'GET', path, token: bob!.token })

    expect(end).toMatchObject({ state: 'answered', response: { status: 201 } })
    expect({ ...seen, guid: '' }).toEqual({ ...unheard, guid: '' })
    expect(seen).toMatchObject({ state: 'pending', operation: null, request: null, response: null })
    expect(bodyOf(listed).items).toEqual([])
  })
})
