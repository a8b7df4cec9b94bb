import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { createGateway } from '@semel/gateway'
import type { Server } from '@semel/http'
import { createOrders, migrations } from '@semel/orders'
import { openTestDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const line = { sku: 'tea', quantity: 2, unitPrice: 450 }
const valid = { userId, lines: [line] }
const withLine = (more: object) => ({ userId, lines: [{ ...line, ...more }] })
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
const text = (value: unknown) => JSON.stringify(value)

let gateway: Server
let port: number
let rows: () => Promise<number>
let close: () => Promise<void>

beforeAll(async () => {
  const database = await openTestDatabase(migrations)
  const orders = createOrders({ pool: database.pool, currency: 'EUR' })
  gateway = await createGateway({
    callers: { kind: 'none' },
    faces: [orders],
    ready: async () => ({ ready: true, faults: [] }),
    headersTimeoutMs: 300,
    requestTimeoutMs: 400,
    timeoutCheckMs: 50,
  })
  port = (await gateway.listen({ host: '127.0.0.1', port: 0 })).port
  rows = async () => {
    const { rows: counted } = await database.pool.query(
      `select (select count(*) from commands) + (select count(*) from orders)
            + (select count(*) from outbox) as n`,
    )
    return counted[0].n
  }
  close = async () => {
    await gateway.close()
    await orders.stop()
    await database.close()
  }
})
afterAll(() => close())

async function refused(body: string | Buffer, headers: Record<string, string> = {}) {
  const before = await rows()
  const answer = await gateway.inject({
    method: 'POST',
    url: '/orders',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
    payload: body,
  })
  expect(await rows()).toBe(before)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  const { type, errors = [] } = answer.json()
  return { status: answer.statusCode, type, pointers: errors.map((each: Fault) => each.pointer) }
}

type Fault = { pointer: string }

describe('an order that is not one', () => {
  it.each([
    ['is no JSON', '{"userId":', ''],
    ['is empty', '', ''],
    ['is a list', '[]', ''],
    ['is text', '"order"', ''],
    ['is null', 'null', ''],
    ['has something behind it', `${text(valid)}x`, ''],
    ['names a member twice', `{"userId":"${userId}","userId":"${userId}","lines":[]}`, ''],
    ['has no lines', text({ userId }), '/lines'],
    ['has an empty list of lines', text({ userId, lines: [] }), '/lines'],
    ['has 201 lines', text({ userId, lines: Array(201).fill(line) }), '/lines'],
    ['has a member that nobody knows', text({ ...valid, price: 1 }), '/price'],
    ['has one in a line', text(withLine({ discount: 1 })), '/lines/0/discount'],
    ['sets its own status', text({ ...valid, status: 'paid' }), '/status'],
    ['sets its own version', text({ ...valid, version: 9 }), '/version'],
    ['has __proto__', `{"__proto__":{"x":1},"userId":"${userId}","lines":[]}`, '/__proto__'],
    ['has ifMatch as a member', text({ ...valid, ifMatch: ['"1-paid"'] }), '/ifMatch'],
    ['is nested too deep', text({ ...valid, lines: nested(16) }), undefined],
    ['has text for a number', text(withLine({ quantity: '2' })), '/lines/0/quantity'],
    ['has a fraction', text(withLine({ quantity: 1.5 })), '/lines/0/quantity'],
    ['has nothing of something', text(withLine({ quantity: 0 })), '/lines/0/quantity'],
    ['has less than nothing', text(withLine({ unitPrice: -1 })), '/lines/0/unitPrice'],
    ['is free', text(withLine({ unitPrice: 0 })), '/lines/0/unitPrice'],
    ['is beyond safe integers', text(withLine({ unitPrice: 2 ** 53 })), '/lines/0/unitPrice'],
    ['is rounded', text(valid).replace('450', '450.00000000000001'), '/lines/0/unitPrice'],
    ['is beyond numbers', text(valid).replace('450', '1e999'), '/lines/0/unitPrice'],
    ['has U+0000', text(withLine({ sku: 'a\u0000b' })), '/lines/0/sku'],
    ['has half a character', text(withLine({ sku: '\ud800' })), '/lines/0/sku'],
    ['has a control character', text(withLine({ sku: 'a\nb' })), '/lines/0/sku'],
    ['has no name for a thing', text(withLine({ sku: '' })), '/lines/0/sku'],
    ['has a user who is no UUID', text({ ...valid, userId: 'ann' }), '/userId'],
    ['has an id that is no UUID', text({ ...valid, id: '1' }), '/id'],
    [
      'has an id of version 8',
      text({ ...valid, id: '0193d5a1-6f00-8000-8000-000000000001' }),
      '/id',
    ],
  ])('is refused when it %s, and leaves nothing', async (_, body, pointer) => {
    const { status, type, pointers } = await refused(body)

    expect({ status, type }).toEqual({ status: 400, type: '/problems/request-invalid' })
    if (pointer !== undefined) expect(pointers).toContain(pointer)
  })

  it('is refused when its bytes are no UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"userId":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ])

    expect(await refused(bytes)).toMatchObject({ status: 400 })
  })

  it('is refused when it is too large, of another type, or compressed', async () => {
    const large = text(withLine({ sku: 'x'.repeat(65_536) }))

    expect(await refused(large)).toMatchObject({ status: 413, type: '/problems/body-too-large' })
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=latin1' },
      { 'content-encoding': 'gzip' },
    ]) {
      const type = '/problems/media-type-unsupported'
      expect(await refused(text(valid), headers)).toMatchObject({ status: 415, type })
    }
  })

  it('is decided against when its total cannot be counted, and that is recorded', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    const payload = text(withLine({ quantity: 1_000_000, unitPrice: 2 ** 53 - 1 }))
    const ask = () => gateway.inject({ method: 'POST', url: '/orders', headers, payload })

    const first = await ask()
    const repeat = await ask()

    expect(first.statusCode).toBe(422)
    expect(first.json()).toMatchObject({ type: '/problems/total-too-large' })
    expect(repeat.headers['idempotent-replayed']).toBe('true')
    expect(repeat.body).toBe(first.body)
  })
})

describe('a question that is not one', () => {
  it.each([
    ['/orders/abc', 'path', '/id'],
    ['/orders?limit=0', 'query', '/limit'],
    ['/orders?limit=101', 'query', '/limit'],
    ['/orders?limit=1.5', 'query', '/limit'],
    ['/orders?limit=1&limit=2', 'query', '/limit'],
    ['/orders?status=lost', 'query', '/status'],
    ['/orders?userId=ann', 'query', '/userId'],
    ['/orders?colour=red', 'query', '/colour'],
    ['/orders?cursor=made-up', 'query', '/cursor'],
  ])('%s is refused with a pointer to the fault', async (url, place, pointer) => {
    const answer = await gateway.inject({ method: 'GET', url })

    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors[0]).toMatchObject({ in: place, pointer })
  })
})

describe('a request that is hardly one', () => {
  it('is answered 405 with the methods there are, or 404', async () => {
    const patch = await gateway.inject({ method: 'PATCH', url: '/orders' })
    const query = await sendRaw('QUERY /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    const nowhere = await gateway.inject({ method: 'GET', url: '/nowhere' })

    expect(patch.statusCode).toBe(405)
    expect(patch.headers.allow).toBe('GET, HEAD, POST')
    expect(query).toMatch(/^HTTP\/1\.1 405 /)
    expect(nowhere.statusCode).toBe(404)
  })

  it.each([
    ['never ends its headers', 'POST /orders HTTP/1.1\r\nHost: x\r\nX-Slow:', /^HTTP\/1\.1 408 /],
    [
      'never ends its body',
      'POST /orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
      /^HTTP\/1\.1 408 |^$/,
    ],
    ['is no HTTP', 'HELLO\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'has a method that nobody knows',
      'FOO /orders HTTP/1.1\r\nHost: x\r\n\r\n',
      /^HTTP\/1\.1 4\d\d /,
    ],
    [
      'has two lengths',
      'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'has headers without end',
      `GET /orders HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(9000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
  ])('is cut off when it %s, and others are served', async (_, bytes, expected) => {
    const before = await rows()

    const answer = await sendRaw(bytes)
    const other = await gateway.inject({ method: 'GET', url: '/health/ready' })

    expect(answer).toMatch(expected)
    expect(other.statusCode).toBe(200)
    expect(await rows()).toBe(before)
  })
})

/** Sends bytes and collects what comes until the server closes the connection. */
function sendRaw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      got += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
  })
}
