import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { ask, freshId, orderOf } from './client.ts'
import { forge } from './outbox-forger.ts'
import { type Product, spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

it('what commands and messages come to is counted, and names nobody', async () => {
  const database = await testDatabase(migrations)
  const DATABASE_URL = databaseUrl(database)
  const product = await startProduct({ DATABASE_URL, METRICS_PORT: '0' })
  const userId = freshId()
  const place = { key: 'a-key-of-somebody', body: orderOf(userId) }
  const placed = (outcome: string) =>
    `semel_commands_total{service="orders",carried="false",operation="place-order",outcome="${outcome}"}`
  const parked = 'semel_messages_parked_total{group="orders",topic="order",reason="type-unknown"}'
  const unread = 'semel_messages_unread{group="orders",topic="order",partition="0"}'
  const read = (outcome: string) =>
    `semel_messages_read_total{group="orders",topic="order",outcome="${outcome}"}`
  const before = await metricsOf(product)

  for (const asked of [place, place, place, { ...place, body: orderOf(userId, 7) }]) {
    await ask(product.url, asked)
  }
  const forged = { topic: 'order', partitionKey: freshId(), type: 'order-eaten', body: '{}' }
  await forge(database.pool, [{ ...forged, id: randomUUID() }])
  await ask(product.url, { method: 'GET', path: `/orders/${freshId()}` })
  await until(async () => {
    const { values } = await metricsOf(product)
    const isRead = values.get(parked) === 1 && values.get(read('decided')) === 1
    return isRead && values.get(unread) === 0
  })
  const { text, values } = await metricsOf(product)

  expect([...before.values.keys()].filter((name) => name.includes('place-order'))).toEqual([])
  expect(values.get(placed('decided'))).toBe(1)
  expect(values.get(placed('replayed'))).toBe(2)
  expect(values.get(placed('reused'))).toBe(1)
  expect(values.get(read('parked'))).toBe(1)
  const took = 'semel_http_request_duration_seconds_count'
  expect(values.get(`${took}{method="POST",route="/orders",status="2xx"}`)).toBe(3)
  expect(values.get(`${took}{method="POST",route="/orders",status="4xx"}`)).toBe(1)
  expect(values.get(`${took}{method="GET",route="/orders/{id}",status="4xx"}`)).toBe(1)
  expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|a-key-of|order-eaten/)
})

it('every process shows the metrics that the documents list, and no other of ours', async () => {
  const page = readFileSync(new URL('../docs/operating.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `(semel_\w+)` \|/gm)].map(([, name]) => name)
  const DATABASE_URL = databaseUrl(await testDatabase(migrations))
  const env = { DATABASE_URL, METRICS_PORT: '0' }

  const products = await Promise.all([
    startProduct(env),
    startProduct(env, ['service', 'messages']),
    startProduct({ METRICS_PORT: '0' }, ['service', 'gateway']),
  ])

  for (const product of products) {
    const { text } = await metricsOf(product)
    expect([...text.matchAll(/^# TYPE (semel_\w+) /gm)].map(([, name]) => name)).toEqual(documented)
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m)
    expect((await fetch(`${product.url}/metrics`)).status).toBe(404)
  }
})

it('a port for metrics that is taken, or is the other one, is one line that names it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await until(async () => server.listening)
  const taken = String((server.address() as { port: number }).port)

  const refused = [
    spawnProduct({ METRICS_PORT: taken }, ['service', 'gateway']),
    spawnProduct({ METRICS_PORT: '8080', PORT: '8080' }, ['service', 'gateway']),
  ]

  expect(await Promise.all(refused.map(({ exited }) => exited))).toEqual([1, 2])
  const [inUse, same] = refused.map(({ output }) => output())
  expect(inUse).toMatch(/^gateway: .* in use .*: METRICS_PORT=\d+ npm run service -- gateway\n$/)
  expect(same).toBe('gateway: METRICS_PORT 8080 must be another port than PORT\n')
})

/** What a process shows, whole and by name with labels. */
async function metricsOf({ output }: Product) {
  const [url] = /http:\S+\/metrics/.exec(output())!
  const text = await (await fetch(url)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const values = new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))] as const
    }),
  )
  return { text, values }
}
