import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, bodyOf, times, tokenOf, tokenSecret } from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { createNotifications, migrations } from '../src/service.ts'
import { ann, bob, carry, orderId, wantedBy } from './wanted.ts'

async function open({ knowsCallers = false } = {}) {
  const { pool } = await testDatabase(migrations)
  const service = createNotifications({ pool })
  onTestFinished(() => service.stop())
  const callers = { kind: 'secret', secret: tokenSecret } as const
  const url = await serve(service, knowsCallers ? { callers } : {})
  const list = (query = '', token?: string) =>
    ask(url, {
      method: 'GET',
      path: `/notifications${query}`,
      ...(token === undefined ? {} : { token }),
    })
  return { carry: (all: Parameters<typeof carry>[1]) => carry(service.executor, all), list }
}

type Item = { orderId: string; orderVersion: number }
const ordersIn = (told: Awaited<ReturnType<typeof ask>>) =>
  bodyOf(told).items.map(({ orderId: id }: Item) => id)

describe('GET /notifications', () => {
  it('shows what a user was told', async () => {
    const { carry, list } = await open()
    await carry([wantedBy(7, { order: 41, version: 2, kind: 'grief', total: 1350 })])

    const told = await list()

    expect(told.answer.status).toBe(200)
    expect(bodyOf(told)).toEqual({
      items: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          ...{ orderId: orderId(41), orderVersion: 2, userId: ann, kind: 'grief' },
          text: 'Order 1041 is declined: your account does not cover 13.50 EUR.',
          createdAt: '2026-01-01T00:00:07.000Z',
        },
      ],
      nextCursor: null,
    })
  })

  it('shows each once over pages, newest first, also when others are stored meanwhile', async () => {
    const { carry, list } = await open()
    await carry(times(7, (n) => wantedBy(n, { order: n })))

    const first = await list('?limit=3')
    await carry([wantedBy(50, { order: 50 })])
    const second = await list(`?limit=3&cursor=${bodyOf(first).nextCursor}`)
    const third = await list(`?limit=3&cursor=${bodyOf(second).nextCursor}`)

    expect([first, second, third].map(ordersIn)).toEqual([
      [6, 5, 4].map(orderId),
      [3, 2, 1].map(orderId),
      [orderId(0)],
    ])
    expect(bodyOf(third).nextCursor).toBeNull()
  })

  it('goes on with a cursor under the filters that it was given under, and no others', async () => {
    const { carry, list } = await open({ knowsCallers: true })
    await carry([1, 2, 3].map((version) => wantedBy(version, { order: 1, version })))
    const [ofAnn, ofBob] = await Promise.all([tokenOf(ann), tokenOf(bob)])
    const filter = `orderId=${orderId(1)}`

    const { nextCursor } = bodyOf(await list(`?${filter}&limit=1`, ofAnn))
    const told = await list(`?${filter}&limit=9&cursor=${nextCursor}`, ofAnn)
    const others = await Promise.all([
      list(`?cursor=${nextCursor}`, ofAnn),
      list(`?${filter}&cursor=${nextCursor}`, ofBob),
    ])

    expect(bodyOf(told).items.map((item: Item) => item.orderVersion)).toEqual([2, 1])
    for (const other of others) {
      expect(other.answer.status).toBe(400)
      expect(bodyOf(other).errors).toMatchObject([{ in: 'query', pointer: '/cursor' }])
    }
  })

  it('shows those of one order, newest first', async () => {
    const { carry, list } = await open()
    await carry([
      wantedBy(1, { order: 1, version: 1 }),
      wantedBy(2, { order: 2, version: 1 }),
      wantedBy(3, { order: 1, version: 2 }),
    ])

    const told = await list(`?orderId=${orderId(1).toUpperCase()}`)

    expect(bodyOf(told).items.map((item: Item) => item.orderVersion)).toEqual([2, 1])
  })

  it('shows a user his own and nothing else; an operator all', async () => {
    const { carry, list } = await open({ knowsCallers: true })
    const [ofAnn, ofBob] = await Promise.all([tokenOf(ann), tokenOf(bob)])
    await carry([wantedBy(1, { order: 1 }), wantedBy(2, { order: 2, userId: bob })])

    expect(ordersIn(await list('', ofAnn))).toEqual([orderId(1)])
    expect(ordersIn(await list('', ofBob))).toEqual([orderId(2)])
    expect(ordersIn(await list(`?userId=${bob}`, ofBob))).toEqual([orderId(2)])
    expect((await list(`?userId=${bob}`, ofAnn)).answer.status).toBe(403)
    expect((await list()).answer.status).toBe(401)
  })

  it("answers for another's order as for one that does not exist", async () => {
    const { carry, list } = await open({ knowsCallers: true })
    await carry([wantedBy(1, { order: 1, userId: bob })])

    const ofAnother = await list(`?orderId=${orderId(1)}`, await tokenOf(ann))
    const ofNobody = await list(`?orderId=${orderId(2)}`, await tokenOf(ann))

    expect(ofAnother.answer).toEqual(ofNobody.answer)
    expect(bodyOf(ofAnother)).toEqual({ items: [], nextCursor: null })
  })

  it.each(['?limit=0', '?limit=101', '?cursor=made-up', '?userId=me', '?orderId=1', '?since=1'])(
    'refuses %s',
    async (query) => {
      const { list } = await open()

      expect((await list(query)).answer.status).toBe(400)
    },
  )
})
