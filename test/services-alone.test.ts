import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, tokenOf, tokenSecret } from './client.ts'
import { spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

it('a service alone and some services in one process make one system on one database', async () => {
  const env = {
    DATABASE_URL: databaseUrl(await testDatabase(migrations)),
    AUTH_JWT_SECRET: tokenSecret,
  }
  const [orders, others] = await Promise.all([
    startProduct(env, ['service', 'orders']),
    startProduct(env, ['start', '--only', 'billing,notifications']),
  ])
  const userId = freshId()
  const token = await tokenOf(userId)

  const place = { key: 'place', token, body: orderOf(userId) }
  const opened = { path: '/accounts', token, body: { userId, name: 'Ann' } }
  const put = { path: `/accounts/${userId}/deposits`, key: 'put', token, body: { amount: 1000 } }
  const statuses = [
    (await ask(others.url, opened)).answer.status,
    (await ask(others.url, put)).answer.status,
    (await ask(orders.url, place)).answer.status,
    (await ask(orders.url, { ...place, token: 'nobody' })).answer.status,
    (await ask(others.url, place)).answer.status,
  ]
  await until(async () => {
    const path = `/notifications?userId=${userId}`
    return (
      bodyOf(await ask(others.url, { method: 'GET', path, token })).items[0]?.kind === 'happiness'
    )
  })
  const codes = await Promise.all([orders.stop(), others.stop()])

  expect(statuses).toEqual([201, 201, 201, 401, 404])
  expect(codes).toEqual([0, 0])
})

it('a service alone makes no tables unless it is told to, and says what would', async () => {
  const DATABASE_URL = databaseUrl(await testDatabase([]))

  const refused = spawnProduct({ DATABASE_URL }, ['service', 'billing'])
  const code = await refused.exited
  const billing = await startProduct({ DATABASE_URL, SEMEL_MIGRATE: 'true' }, [
    'service',
    'billing',
  ])

  expect(code).toBe(4)
  expect(refused.output()).toMatch(
    /^semel: the database .* lacks tables .*: npx semel migrate billing\n$/,
  )
  expect((await ask(billing.url, { path: '/accounts', body: account() })).answer.status).toBe(201)
})

it('a service that there is none of is one line that lists those there are', async () => {
  const unknown = [
    spawnProduct({}, ['service', 'order']),
    spawnProduct({}, ['start', '--only', 'orders,shipping']),
  ]

  expect(await Promise.all(unknown.map(({ exited }) => exited))).toEqual([2, 2])
  for (const { output } of unknown) {
    expect(output()).toMatch(
      /^semel: there is no service "(order|shipping)" \(known are orders, bill.*\n$/,
    )
  }
})

function account() {
  return { userId: freshId(), name: 'Ann' }
}
