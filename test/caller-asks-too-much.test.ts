import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, freshId, orderOf, tokenOf, tokenSecret } from './client.ts'
import { startProduct } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

const limit = { RATE_LIMIT_PER_MINUTE: '2', RATE_LIMIT_BURST: '1' }

it.each([
  ['some services in one process', ['start', '--only', 'orders']],
  ['a service alone', ['service', 'orders']],
  ['the gateway alone', ['service', 'gateway']],
])('%s may be told what each caller may ask for', async (_, args) => {
  const DATABASE_URL = databaseUrl(await testDatabase(migrations))
  const env = { DATABASE_URL, AUTH_JWT_SECRET: tokenSecret }
  const behind = await startProduct(env, ['service', 'orders'])
  const { url } = await startProduct({ ...env, ...limit, ORDERS_URL: behind.url }, args)
  const place = async (userId: string, key: string) => {
    const token = await tokenOf(userId)
    const { answer, retryAfter } = await ask(url, { key, token, body: orderOf(userId) })
    return [answer.status, retryAfter !== null]
  }
  const [ann, bob] = [freshId(), freshId()]

  const told = [await place(ann, 'one'), await place(ann, 'two'), await place(bob, 'one')]

  expect(told).toEqual([
    [201, false],
    [429, true],
    [201, false],
  ])
})
