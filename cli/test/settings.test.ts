import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { envExample, showSettings } from '../src/settings.ts'

test('.env.example is what semel config --env prints', () => {
  const file = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')

  expect(file).toBe(envExample())
})

test('a process shows what it reads: meaning, unit, default, and what is set', () => {
  const [orders] = JSON.parse(showSettings('orders', { SEMEL_KEPT_DAYS: '3' }, true))

  expect(orders.variables).toContainEqual({
    name: 'SEMEL_KEPT_DAYS',
    meaning: expect.stringContaining('messages are kept'),
    unit: 'days',
    required: false,
    default: 7,
    set: '3',
  })
  const of = (name: string) => orders.variables.find((one: { name: string }) => one.name === name)
  expect([of('DATABASE_URL').required, of('PORT').default]).toEqual([true, 8081])
})

test.each([
  ['postgres://me:s3cret@db/shop', 'postgres://me:***@db/shop'],
  ['postgres://db/shop?user=me&password=s3cret', 'postgres://db/shop?user=me&password=***'],
  ['postgres://me:s3cret@db:x/shop', '***'],
])('a secret in %s is shown to nobody', (url, shown) => {
  const env = { DATABASE_URL: url, AUTH_JWT_SECRET: 'a s3cret of thirty-two bytes or more' }

  expect(showSettings('start', env, false)).toContain(`  ${shown}  `)
  for (const json of [true, false]) expect(showSettings(undefined, env, json)).not.toMatch(/s3cret/)
})

test('a process that there is none of is refused with a list of those there are', () => {
  expect(() => showSettings('order', {}, false)).toThrow(/known are start, orders, billing/)
})
