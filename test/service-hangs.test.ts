import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import { type Product, startProduct, until } from './product.ts'
import { databaseUrl, tracesOf } from './replicas.ts'
import { migrations } from './saga.ts'

/** Requests wait until a hanging process is found out: less than an answer may take. */
const withinMs = 10_000

it('processes that hang are passed over; where all do, nobody waits, and all is done once', async () => {
  const database = await testDatabase(migrations)
  const env = { DATABASE_URL: databaseUrl(database) }
  const orders = await Promise.all([1, 2].map(() => startProduct(env, ['service', 'orders'])))
  const ORDERS_URL = orders.map(({ url }) => url).join(',')
  const { url } = await startProduct({ ORDERS_URL }, ['service', 'gateway'])
  const requests = times(24, (n): Asked => ({ key: `key-${n}`, body: orderOf(freshId()) }))
  const send = (those: readonly Asked[]) => Promise.all(those.map((asked) => ask(url, asked)))

  const begunMs = performance.now()
  hang(orders[0]!)
  const passed = await send(requests.slice(0, 8))
  const tookMs = performance.now() - begunMs
  hang(orders[1]!)
  const found = await send(requests.slice(8, 16))
  const atOnceMs = performance.now()
  const refused = await send(requests.slice(16))
  const refusedMs = performance.now() - atOnceMs
  for (const { pid } of orders) process.kill(pid, 'SIGCONT')
  await until(async () => (await ask(url, requests[16]!)).answer.status === 201)
  const again = await send(requests)

  expect(statusCounts(passed)).toEqual({ 201: 8 })
  expect(tookMs).toBeLessThan(withinMs)
  expect(found.map((told) => [told.answer.status, bodyOf(told).effect])).toEqual(
    Array(8).fill([503, 'unknown']),
  )
  expect(refused.map((told) => [told.answer.status, bodyOf(told).effect])).toEqual(
    Array(8).fill([503, 'none']),
  )
  expect(refusedMs).toBeLessThan(1000)
  expect(statusCounts(again)).toEqual({ 201: 24 })
  expect(again.slice(0, 8).map(({ answer }) => answer)).toEqual(passed.map(({ answer }) => answer))
  expect((await tracesOf(database.pool)).orders).toBe(24)
}, 60_000)

/** It takes connections and says nothing, until it goes on or the test is over. */
function hang({ pid }: Product): void {
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
}
