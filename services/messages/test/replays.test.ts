import { type Command, guidOf, makeCommand, userScope } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { registryReplayCache } from '@semel/commands/registry'
import {
  endingSeal,
  macHeader,
  questionMac,
  questionText,
  replaysPath,
} from '@semel/commands/registry-protocol'
import { announcing } from '@semel/contracts/messages'
import { placeOrder } from '@semel/contracts/orders'
import type { Route } from '@semel/http'
import { createOrders, migrations as orderMigrations } from '@semel/orders'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { orderOf } from '../../../test/client.ts'
import { until } from '../../../test/product.ts'
import { serve } from '../../../test/serve.ts'
import { createMessages, migrations } from '../src/service.ts'
import { ann, deliverTold } from './requests.ts'

const secret = 'a secret of at least thirty-two bytes'

/** Orders that seal what they tell, the registry behind its port, and who looks up answers there. */
async function open({ sealedWith = secret, clock = () => new Date() } = {}) {
  const { pool } = await testDatabase([...orderMigrations, ...migrations])
  const announce = announcing('all', endingSeal(sealedWith))
  const orders = createOrders({ pool, currency: 'EUR', announce })
  const messages = createMessages({ pool, sealSecret: secret })
  onTestFinished(() => orders.stop())
  onTestFinished(() => messages.stop())
  let asked = 0
  const counted = messages.internalRoutes.map(
    (route): Route => ({
      ...route,
      answer(request, admission) {
        asked += 1
        return route.answer(request, admission)
      },
    }),
  )
  const url = await serve(messages, { internalRoutes: counted })
  const patient = { budgetMs: 10_000, retryMs: 20 }
  const cache = registryReplayCache({ urls: [url], secret, clock, ...patient })
  onTestFinished(() => cache.close())
  await until(async () => cache.isConnected())
  const store = postgresStore(pool)
  return {
    ...{ pool, cache, url, orders },
    asked: () => asked,
    /** Has them decided, and the registry hear of it. */
    async place(...commands: readonly Command[]) {
      for (const command of commands) await orders.executor.submit(command)
      await deliverTold(pool, messages.executor)
    },
    recorded: (commands: readonly Command[]) =>
      store.transaction((tx) =>
        store.find(
          tx,
          commands.map(({ id }) => id),
        ),
      ),
  }
}

function placement(key: string, quantity = 1) {
  return makeCommand(placeOrder, {
    ...{ scope: userScope('-', ann), key: `h:${key}`, receivedAt: new Date() },
    input: orderOf(ann, quantity),
  })
}

it('gives an executor the very records that the command log has', async () => {
  const { cache, place, recorded } = await open()
  const [one, other] = [placement('one'), placement('other')]
  const refused = placement('refused', Number.MAX_SAFE_INTEGER)
  await place(one, other, refused)

  const found = await cache.get([one, refused, other])

  expect(found).toEqual(await recorded([one, refused, other]))
  expect([...found.values()].map(({ answer }) => answer?.status)).toEqual([201, 422, 201])
  expect(cache.counts()).toEqual({ hits: 3, misses: 0, ignored: 0, errors: 0, skipped: 0 })
})

it('knows nothing of what it has not heard of, and nothing of a key with another body', async () => {
  const { cache, orders, place } = await open()
  await place(placement('k', 1))
  await orders.executor.submit(placement('late'))

  expect(await cache.get([placement('k', 2), placement('late'), placement('never')])).toEqual(
    new Map(),
  )
  expect(cache.counts()).toMatchObject({ hits: 0, misses: 3, ignored: 0 })
})

it('is asked once for all that is asked for in one turn', async () => {
  const { cache, place, asked } = await open()
  const all = Array.from({ length: 50 }, (_, n) => placement(`${n}`))
  await place(...all.slice(0, 5))
  const before = asked()

  const found = await Promise.all(all.map((command) => cache.get([command])))

  expect(found.map(({ size }) => size).reduce((sum, size) => sum + size)).toBe(5)
  expect(asked() - before).toBe(1)
})

it.each([
  ['another status', 'response_status = 409'],
  ['another header', `response_headers = messages.response_headers || '{"etag": "9"}'`],
  ['another body', `response_body = replace(messages.response_body, 'pending', 'paid')`],
  ['a truncated body', 'response_body = left(messages.response_body, -1)'],
  ['an empty body', `response_body = ''`],
  ["another request's answer", 'response_body = other.response_body, seal = other.seal'],
  ["another request's seal", 'seal = other.seal'],
  ['a longer life', `seal = regexp_replace(messages.seal, '\\.\\d+', '.9999999999999')`],
  ['another time', `seal = regexp_replace(messages.seal, '^\\d+', '1')`],
  ['a forged seal', `seal = regexp_replace(messages.seal, '[^.]+$', repeat('A', 43))`],
  ['a truncated seal', 'seal = left(messages.seal, -1)'],
  ['a time that is none', `seal = regexp_replace(messages.seal, '^\\d+', repeat('9', 16))`],
])('is not believed, and is counted, where its table has %s', async (_, change) => {
  const { cache, place, pool } = await open()
  const [one, other] = [placement('one'), placement('other', 2)]
  await place(one, other)

  await pool.query(
    `update messages set ${change} from messages as other
      where messages.guid = '${guidOf(one)}' and other.guid = '${guidOf(other)}'`,
  )

  expect([...(await cache.get([one, other])).keys()]).toEqual([other.id])
  expect(cache.counts()).toMatchObject({ hits: 1, ignored: 1 })
})

it('is not believed where answers were sealed with another secret, or not at all', async () => {
  const { cache, place, pool } = await open({ sealedWith: secret.toUpperCase() })
  await place(placement('forged'), placement('unsealed'))
  await pool.query(`update messages set seal = null where key = 'h:unsealed'`)

  expect(await cache.get([placement('forged'), placement('unsealed')])).toEqual(new Map())
  expect(cache.counts()).toMatchObject({ hits: 0, ignored: 1, misses: 1 })
})

it('knows nothing of an answer that is no longer replayed', async () => {
  const day = 24 * 60 * 60 * 1000
  const time = { now: Date.now() }
  const { cache, place } = await open({ clock: () => new Date(time.now) })
  await place(placement('k'))
  expect((await cache.get([placement('k')])).size).toBe(1)

  time.now += 2 * day

  expect(await cache.get([placement('k')])).toEqual(new Map())
  expect(cache.counts()).toMatchObject({ hits: 1, misses: 1, ignored: 0 })
})

it('leaves answers with long bodies to the database', async () => {
  const { cache, place, pool } = await open()
  await place(placement('k'))
  await pool.query('update messages set response_body = $1', ['x'.repeat(64 * 1024 + 1)])

  expect(await cache.get([placement('k')])).toEqual(new Map())
  expect(cache.counts()).toMatchObject({ misses: 1, ignored: 0 })
})

it.each([
  ['without a proof', () => ({})],
  ['with a proof of another secret', (text: string) => proof(secret.toUpperCase(), text)],
  ['with the proof of another question', () => proof(secret, questionText([]))],
  ['with half a proof', (text: string) => ({ [macHeader]: questionMac(secret, text).slice(20) })],
])('tells nobody anything who asks %s', async (_, headersFor) => {
  const { url, place } = await open()
  await place(placement('k'))
  const body = questionText([guidOf(placement('k'))])
  const askWith = (headers: Record<string, string>) =>
    fetch(`${url}${replaysPath}`, { method: 'POST', body, headers })

  const refused = await askWith(headersFor(body) as Record<string, string>)

  expect(refused.status).toBe(401)
  expect(await refused.json()).toMatchObject({ type: '/problems/unauthenticated' })
  expect((await askWith(proof(secret, body))).status).toBe(200)
})

it('answers executors at its own port alone, and only where there is a secret', async () => {
  const { pool } = await testDatabase(migrations)
  const [open, closed] = [{ sealSecret: secret }, {}].map((more) =>
    createMessages({ pool, ...more }),
  )
  onTestFinished(async () => void (await Promise.all([open!.stop(), closed!.stop()])))

  // A gateway mounts faces.
  const behindGateway = await serve(open!)

  expect(closed!.internalRoutes).toEqual([])
  expect(open!.internalRoutes).toHaveLength(1)
  const told = await fetch(`${behindGateway}${replaysPath}`, { method: 'POST' })
  expect(told.status).toBe(404)
})

function proof(sharedSecret: string, text: string): Record<string, string> {
  return { [macHeader]: questionMac(sharedSecret, text) }
}
