import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { freshId, orderOf } from './client.ts'
import { startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

const delayMs = 2000

it('told to stop, it is not ready at once, and takes orders until its delay is over', async () => {
  const DATABASE_URL = databaseUrl(await testDatabase(migrations))
  const env = { DATABASE_URL, SHUTDOWN_DELAY_SECONDS: String(delayMs / 1000) }
  const product = await startProduct(env, ['service', 'orders'])

  const toldAt = performance.now()
  const stopped = product.stop()
  await until(async () => (await askOnce(product.url, 'GET', '/health/ready')) === 503, delayMs / 2)
  const late: number[] = []
  for (;;) {
    const status = await askOnce(product.url, 'POST', '/orders').catch(() => undefined)
    if (status === undefined) break
    late.push(status)
  }
  const servedMs = performance.now() - toldAt

  expect(await stopped).toBe(0)
  expect(new Set(late)).toEqual(new Set([201]))
  expect(servedMs).toBeGreaterThanOrEqual(delayMs - 1)
})

it('where no delay is set, it stops as fast as before', async () => {
  const DATABASE_URL = databaseUrl(await testDatabase(migrations))
  const product = await startProduct({ DATABASE_URL }, ['service', 'orders'])

  const toldAt = performance.now()
  const code = await product.stop()

  expect(code).toBe(0)
  expect(performance.now() - toldAt).toBeLessThan(delayMs)
})

/** Sends a request over a connection of its own; resolves to the status of its answer. */
async function askOnce(url: string, method: string, path: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': freshId() }
  const asked = request(`${url}${path}`, { agent: false, method, headers })
  asked.end(method === 'POST' ? JSON.stringify(orderOf(freshId())) : undefined)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
  return response.statusCode!
}
