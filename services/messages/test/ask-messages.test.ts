import { guidOf, operatorScope, userScope } from '@semel/commands'
import { testDatabase } from '@semel/postgres/testing'
import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshId, tokenOf, tokenSecret } from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { createMessages, migrations } from '../src/service.ts'
import { ann, bob, carry, ended, parked, requestOf, seen } from './requests.ts'

const ofAnn = requestOf()
const ofBob = requestOf({ scope: userScope('-', bob) })
const nothing = { operation: null, key: null, state: 'pending', request: null, response: null }

async function open() {
  const { pool } = await testDatabase(migrations)
  const service = createMessages({ pool })
  onTestFinished(() => service.stop())
  const url = await serve(service, { callers: { kind: 'secret', secret: tokenSecret } })
  /** An answer, whole: whatever could tell one from another. */
  async function get(path: string, token: string) {
    // One name for all requests: it would be the only header that differs.
    const sent = { authorization: `Bearer ${token}`, 'x-request-id': 'asked' }
    const response = await fetch(`${url}${path}`, { headers: sent })
    const headers = Object.fromEntries(response.headers)
    delete headers.date
    return { status: response.status, headers, body: await response.text() }
  }
  return { carry: (all: Parameters<typeof carry>[1]) => carry(service.executor, all), get, pool }
}

function operatorToken(subject: string): Promise<string> {
  return new SignJWT({ sub: subject, role: 'operator' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('10m')
    .sign(Buffer.from(tokenSecret))
}

const json = (answer: { body: string }) => JSON.parse(answer.body)
const itemsOf = (answer: { body: string }) => json(answer).items

describe('GET /messages/{guid}', () => {
  it('shows what became of a request, with the very bytes of its answer', async () => {
    const { carry, get } = await open()
    await carry([ended(ofAnn, 200)])

    const told = await get(`/messages/${guidOf(ofAnn).toUpperCase()}`, await tokenOf(ann))

    expect(told.status).toBe(200)
    expect(told.headers).not.toHaveProperty('retry-after')
    expect(told.body).toContain('"body":{"nth":2}')
    expect(json(told)).toEqual({
      ...{ guid: guidOf(ofAnn), operation: 'cancel-order', key: 'k', state: 'answered' },
      request: ofAnn.sent,
      response: {
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: { nth: 2 },
      },
    })
  })

  it('shows an answer that is no JSON as it is', async () => {
    const { carry, get, pool } = await open()
    await carry([ended(ofAnn, 200)])
    await pool.query(`update messages set response_body = '<p>fine</p>'`)

    const told = await get(`/messages/${guidOf(ofAnn)}`, await tokenOf(ann))

    expect(json(told)).toMatchObject({ state: 'answered', response: { body: '<p>fine</p>' } })
  })

  it('says of a pending one what was asked, and when to look again', async () => {
    const { carry, get } = await open()
    await carry([seen(ofAnn)])

    const told = await get(`/messages/${guidOf(ofAnn)}`, await tokenOf(ann))

    expect(told.headers['retry-after']).toBe('1')
    expect(json(told)).toMatchObject({ key: 'k', state: 'pending', request: ofAnn.sent })
  })

  it.each([
    ['key-reused' as const, 422],
    ['key-expired' as const, 410],
  ])('says of one that was refused, %s, what the edge says of it', async (end, status) => {
    const { carry, get } = await open()
    await carry([ended(ofAnn, end)])

    const told = json(await get(`/messages/${guidOf(ofAnn)}`, await tokenOf(ann)))

    expect(told).toMatchObject({ state: 'answered', request: ofAnn.sent })
    expect(told.response).toEqual({
      ...{ status, headers: { 'content-type': 'application/problem+json' } },
      body: expect.objectContaining({ type: `/problems/${end}`, status }),
    })
  })

  it('says of a parked one that it is parked, though it could not be read', async () => {
    const { carry, get } = await open()
    await carry([parked(ofAnn, 'no JSON')])

    const told = await get(`/messages/${guidOf(ofAnn)}`, await tokenOf(ann))

    expect(json(told)).toMatchObject({ operation: 'cancel-order', key: null, state: 'parked' })
    expect(told.headers).not.toHaveProperty('retry-after')
  })

  it.each([
    ['answered', ended(ofBob, 200)],
    ['pending', seen(ofBob)],
    ['parked', parked(ofBob)],
  ])("tells another's %s one from one that does not exist by nothing", async (_, command) => {
    const { carry, get } = await open()
    await carry([command])
    const unknown = freshId()

    for (const token of [await tokenOf(ann), await operatorToken('ops')]) {
      const ofAnother = await get(`/messages/${guidOf(ofBob)}`, token)
      const ofNobody = await get(`/messages/${unknown}`, token)

      expect(json(ofAnother)).toEqual({ guid: guidOf(ofBob), ...nothing })
      expect(ofAnother.headers['retry-after']).toBe('1')
      expect({ ...ofAnother, body: ofAnother.body.replace(guidOf(ofBob), unknown) }).toEqual(
        ofNobody,
      )
    }
  })

  it('refuses what is no guid', async () => {
    const { get } = await open()

    expect((await get('/messages/41', await tokenOf(ann))).status).toBe(400)
  })
})

describe('GET /messages', () => {
  const path = '/messages?operation=cancel-order&key='

  it('finds a request by the key of its header, and by the id that stood for one', async () => {
    const { carry, get } = await open()
    const id = freshId()
    const byId = requestOf({ key: `i:${id}` })
    await carry([ended(ofAnn, 200), ended(byId, 201, 3)])
    const token = await tokenOf(ann)

    const underKey = itemsOf(await get(`${path}k`, token))
    const underId = itemsOf(await get(`${path}${id.toUpperCase()}`, token))

    expect(underKey).toMatchObject([{ guid: guidOf(ofAnn), key: 'k' }])
    expect(underId).toMatchObject([{ guid: guidOf(byId), key: id }])
    expect(itemsOf(await get(`${path}h:k`, token))).toEqual([])
    expect(itemsOf(await get('/messages?operation=place-order&key=k', token))).toEqual([])
  })

  it('shows every body that was sent under a key, newest first, over pages', async () => {
    const { carry, get } = await open()
    const all = [1, 2, 3].map((version) => requestOf({ version }))
    await carry([ended(all[0]!, 200)])
    await carry([ended(all[1]!, 'key-reused', 3)])
    await carry([seen(all[2]!)])
    const token = await tokenOf(ann)

    const first = await get(`${path}k&limit=2`, token)
    const second = await get(`${path}k&limit=2&cursor=${json(first).nextCursor}`, token)

    expect([...itemsOf(first), ...itemsOf(second)]).toMatchObject([
      { guid: guidOf(all[2]!), state: 'pending' },
      { guid: guidOf(all[1]!), response: { status: 422 } },
      { guid: guidOf(all[0]!), response: { status: 200 } },
    ])
    expect(json(second).nextCursor).toBeNull()
  })

  it('goes on with a cursor for the caller and the key alone that it was given for', async () => {
    const { carry, get } = await open()
    const all = [ofAnn, requestOf({ version: 2 })]
    await carry(all.map((request) => seen(request)))
    const [token, ofOther] = [await tokenOf(ann), await tokenOf(bob)]

    const cursor = json(await get(`${path}k&limit=1`, token)).nextCursor
    const own = await get(`${path}k&cursor=${cursor}`, token)
    const others = await Promise.all([
      get(`${path}k&cursor=${cursor}`, ofOther),
      get(`${path}other&cursor=${cursor}`, token),
    ])

    expect(itemsOf(own)).toHaveLength(1)
    expect(others.map(({ status }) => status)).toEqual([400, 400])
  })

  it('shows callers nothing but their own, operators too', async () => {
    const { carry, get } = await open()
    const ofOps = requestOf({ scope: operatorScope('-', 'ops') })
    await carry([ended(ofBob, 200), ended(ofOps, 200, 3)])

    const found = await Promise.all(
      [tokenOf(ann), tokenOf(bob), operatorToken('ops'), operatorToken('others')].map(
        async (token) => itemsOf(await get(`${path}k`, await token)),
      ),
    )

    expect(found.map((items) => items.map(({ guid }: { guid: string }) => guid))).toEqual([
      [],
      [guidOf(ofBob)],
      [guidOf(ofOps)],
      [],
    ])
  })

  it('names the operations there are to whoever asks for another', async () => {
    const { get } = await open()

    const told = await get('/messages?operation=cancel-orders&key=k', await tokenOf(ann))

    expect(told.status).toBe(400)
    expect(json(told).errors).toEqual([
      {
        ...{ in: 'query', pointer: '/operation' },
        detail: 'must be one of open-account, deposit, place-order, update-order, cancel-order',
      },
    ])
  })

  it.each(['', '?operation=cancel-order', '?key=k', '?operation=&key=k', '?operation=a&key='])(
    'refuses %j: operation and key are both asked for',
    async (query) => {
      const { get } = await open()

      const told = await get(`/messages${query}`, await tokenOf(ann))

      expect(told.status).toBe(400)
      expect(json(told)).toMatchObject({ type: '/problems/request-invalid' })
    },
  )
})
