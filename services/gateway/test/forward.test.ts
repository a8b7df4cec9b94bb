import { text } from 'node:stream/consumers'
import { commands, owners } from '@semel/contracts/catalogue'
import { createGateway, type GatewayOptions } from '@semel/gateway'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createForwarding, type ForwardOptions } from '../src/forward.ts'
import { lost, nobody, service } from './upstreams.ts'

const order = { userId: '7f1c4a52-9f0e-4c8e-a7d1-2b6f0c9d4e10', lines: [] }
const secret = 's'.repeat(32)

test('a request goes on as it was sent, and its answer comes back byte for byte', async () => {
  const seen: unknown[] = []
  const url = await service(async (request, response) => {
    seen.push({ method: request.method, url: request.url, body: await text(request) })
    seen.push(request.headers)
    response.writeHead(201, { etag: '"1-pending"', 'x-own': 'of the service', connection: 'close' })
    response.end('{ "number":  1 }')
  })
  const gateway = await gatewayTo([url])
  const headers = {
    ...{ 'content-type': 'application/json', 'idempotency-key': 'k', prefer: 'handling=lenient' },
    ...{ 'if-match': '"1"', 'x-request-id': 'r-1', authorization: 'Bearer of.some.body' },
    ...{ connection: 'x-secret', 'x-secret': 'for the gateway alone', te: 'trailers' },
  }
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  const payload = '{ "no" : "contract"}'
  const answer = await gateway.inject({
    ...{ method: 'POST', url: '/orders?a=%20b', headers: { ...headers, traceparent }, payload },
  })

  const { connection: _, 'x-secret': __, te: ___, ...passed } = headers
  expect(seen[0]).toEqual({ method: 'POST', url: '/orders?a=%20b', body: payload })
  expect(seen[1]).toMatchObject({ ...passed, traceparent })
  expect(Object.keys(seen[1] as object)).not.toEqual(expect.arrayContaining(['x-secret']))
  expect(Object.keys(seen[1] as object)).not.toEqual(expect.arrayContaining(['te']))
  expect([answer.statusCode, answer.body]).toEqual([201, '{ "number":  1 }'])
  expect(answer.headers).toMatchObject({ etag: '"1-pending"', 'x-own': 'of the service' })
  expect([answer.headers['x-request-id'], answer.headers.connection]).toEqual(['r-1', 'keep-alive'])
})

test('a request whose connection breaks is sent again, the same, until it is answered', async () => {
  const bodies: string[] = []
  const url = await service(async (request, response) => {
    bodies.push(`${request.headers['idempotency-key']} ${await text(request)}`)
    if (bodies.length < 3) request.socket.destroy()
    else response.end('{}')
  })
  const gateway = await gatewayTo([url])

  const answer = await place(gateway)

  expect(answer.statusCode).toBe(200)
  expect(bodies).toEqual(Array(3).fill(`k ${JSON.stringify(order)}`))
})

test('of two processes the one that is there answers', async () => {
  const url = await service((_, response) => response.end('{}'))
  const gateway = await gatewayTo([await nobody(), url])

  const answers = [await place(gateway), await place(gateway), await place(gateway)]

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
})

test.each([
  ['is away', 'none', nobody],
  ['is on a machine that is lost', 'none', lost],
  ['breaks every connection', 'unknown', () => service(({ socket }) => void socket.destroy())],
  ['never answers', 'unknown', () => service(() => undefined)],
  ['answers with what is no status', 'unknown', () => service((_, to) => to.writeHead(999).end())],
])('a service that %s is told as effect %s', async (_, effect, where) => {
  const gateway = await gatewayTo([await where()], { retryForMs: 300, answerWithinMs: 300 })

  const answer = await place(gateway)

  expect([answer.statusCode, answer.json().effect]).toEqual([503, effect])
  expect(answer.headers['retry-after']).toBe('1')
})

test('a process that hangs is left alone: what waited for it is answered by another', async () => {
  const asked: unknown[] = []
  const hanging = await service(({ url }) => void asked.push(url))
  const live = await service((_, response) => response.end('{}'))
  const gateway = await gatewayTo([hanging, live], { silenceMaxMs: 300 })

  const answers = await Promise.all([1, 2, 3, 4].map(() => place(gateway)))
  const orders = () => asked.filter((url) => url === '/orders').length
  const before = orders()
  const later = await Promise.all([1, 2, 3, 4].map(() => place(gateway)))

  expect([...answers, ...later].map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(200))
  expect(before).toBeGreaterThan(0)
  expect(orders()).toBe(before)
})

test('what one of several processes behind one address does not answer, another one does', async () => {
  const asked: unknown[] = []
  const url = await service((request, response) => {
    const isFirst =
      request.url === '/orders' && asked.push(request.headers['idempotency-key']) === 1
    if (!isFirst) response.end('{}')
  })
  const gateway = await gatewayTo([url], { answerWithinMs: 300 })

  const answer = await place(gateway)

  expect(answer.statusCode).toBe(200)
  expect(asked).toEqual(['k', 'k'])
})

test('where all hang, the answer is 503 at once, until one of them says that it lives', async () => {
  let isHanging = true
  const asked: string[] = []
  const url = await service((request, response) => {
    asked.push(request.url!)
    if (!isHanging) response.end('{}')
  })
  const gateway = await gatewayTo([url], { silenceMaxMs: 300 })

  const first = await place(gateway)
  const second = await place(gateway)
  isHanging = false
  await vi.waitUntil(async () => (await place(gateway)).statusCode === 200)

  expect([first.statusCode, first.json().effect]).toEqual([503, 'unknown'])
  expect([second.statusCode, second.json().effect]).toEqual([503, 'none'])
  expect(asked.filter((path) => path === '/orders')).toHaveLength(2)
})

test('a process that is slow, and says that it lives, is waited for', async () => {
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>()
  const url = await service(async (request, response) => {
    if (request.url === '/health/live') asked()
    else await isAsked
    response.end('{}')
  })
  const gateway = await gatewayTo([url], { silenceMaxMs: 300 })

  expect((await place(gateway)).statusCode).toBe(200)
})

test('no more requests wait for a service than it is allowed', async () => {
  const gateway = await gatewayTo([await nobody()], { waitingMax: 2, retryForMs: 300 })
  const ended: string[] = []
  const all = ['first', 'second', 'third'].map((name) =>
    place(gateway).then((answer) => {
      ended.push(name)
      return answer
    }),
  )

  const refused = await all[2]!
  const endedBefore = [...ended]
  await Promise.all(all)

  expect([refused.statusCode, refused.json().effect]).toEqual([503, 'none'])
  expect(endedBefore).toEqual(['third'])
})

test('who is not known is turned away before the service hears of it', async () => {
  let asked = 0
  const url = await service((_, response) => {
    asked += 1
    response.end('{}')
  })
  const gateway = await gatewayTo([url], {}, { callers: { kind: 'secret', secret } })

  const answers = [await place(gateway), await gateway.inject({ url: '/orders/1' })]

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401])
  expect(asked).toBe(0)
})

test('what is over the limit of the gateway never gets to the service', async () => {
  let asked = 0
  const url = await service((_, response) => {
    asked += 1
    response.writeHead(201, { 'idempotency-expires': 'tomorrow', ratelimit: '"commands";r=77' })
    response.end('{}')
  })
  const gateway = await gatewayTo([url], {}, burstOf(1))

  const answers = [await place(gateway), await place(gateway)]

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 429])
  expect(answers.map(({ headers }) => headers.ratelimit)).toEqual([
    '"commands";r=0',
    '"commands";r=0;t=1',
  ])
  expect(asked).toBe(1)
})

test('what a service replays, or limits itself, counts a tenth and comes back as it is', async () => {
  const limit = { 'retry-after': '7', ratelimit: '"own";r=0;t=7', 'ratelimit-policy': '"own";q=1' }
  const replay = { 'idempotency-expires': 'tomorrow', 'idempotent-replayed': 'true' }
  let asked = 0
  const url = await service((_, response) => {
    asked += 1
    if (asked === 1) response.writeHead(201, replay)
    else response.writeHead(429, limit)
    response.end('{}')
  })
  const gateway = await gatewayTo([url], {}, burstOf(2))

  const answers = []
  for (let n = 0; n < 12; n += 1) answers.push(await place(gateway))

  expect(answers[0]!.headers).toMatchObject({ ...replay, ratelimit: '"commands";r=1' })
  for (const answer of answers.slice(1, 11)) {
    expect([answer.statusCode, answer.body]).toEqual([429, '{}'])
    expect(answer.headers).toMatchObject(limit)
  }
  expect(answers[11]!.headers).toMatchObject({ 'ratelimit-policy': '"commands";q=2;w=2' })
  expect(asked).toBe(11)
})

test('every command has one owner', () => {
  const owned = Object.values(owners).flatMap((owner) => owner.commands.map((one) => one.operation))

  expect(owned.toSorted()).toEqual(commands.map(({ operation }) => operation).toSorted())
})

/** So many commands at once, and one a second; but no second passes. */
function burstOf(burst: number): Partial<GatewayOptions> {
  return { rateLimit: { perMinute: 60, burst, nowMs: () => 0 } }
}

async function gatewayTo(
  urls: readonly string[],
  options: Partial<ForwardOptions> = {},
  limits: Partial<GatewayOptions> = {},
) {
  const { forward, close } = createForwarding({ urls, ...options })
  const faces = Object.entries(owners).map(([name, { commands, queries }]) => ({
    name,
    commands: commands.map((contract) => ({ contract, forward })),
    queries: queries.map((contract) => ({ contract, forward })),
    ready: async () => undefined,
  }))
  const gateway = await createGateway({
    callers: { kind: 'none' },
    faces,
    ready: async () => ({ ready: true, faults: [] }),
    ...limits,
  })
  onTestFinished(async () => {
    await gateway.close()
    await close()
  })
  return gateway
}

function place(gateway: Awaited<ReturnType<typeof gatewayTo>>) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' }
  return gateway.inject({ method: 'POST', url: '/orders', headers, payload: JSON.stringify(order) })
}
