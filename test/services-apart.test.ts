import { isDeepStrictEqual } from 'node:util'
import { freePort } from '@semel/parts/testing'
import { openTestDatabase, type TestDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, times } from './client.ts'
import { collections, failuresOf, runCollection } from './postman.ts'
import { openProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { faultsIn, migrations, untilSettled } from './saga.ts'

/** Every service in processes of its own, two of orders, and the gateway before them. */
type Place = Readonly<{ service: string; port: number }>
const database = {} as TestDatabase & { close(): Promise<void> }
const running = new Map<Place, Awaited<ReturnType<typeof openProduct>>>()
const places: Place[] = []
const SEAL_SECRET = 'a secret of at least thirty-two bytes'
let url = ''

beforeAll(async () => {
  Object.assign(database, await openTestDatabase(migrations))
  for (const service of ['orders', 'orders', 'billing', 'notifications', 'messages']) {
    places.push({ service, port: await freePort() })
  }
  await Promise.all(places.map(start))
  const of = (service: string) => urlsOf(service).join(',')
  const gateway = await openProduct(
    {
      DATABASE_URL: databaseUrl(database),
      ORDERS_URL: of('orders'),
      BILLING_URL: of('billing'),
      NOTIFICATIONS_URL: of('notifications'),
      MESSAGES_URL: of('messages'),
    },
    ['service', 'gateway'],
  )
  running.set({ service: 'gateway', port: 0 }, gateway)
  url = gateway.url
})
afterAll(async () => {
  await Promise.all([...running.values()].map((product) => product.close()))
  await database.close()
})

it('the known steps pass through the gateway, at once and later', async () => {
  const runs = await Promise.all(collections.map((one) => runCollection(one, { baseUrl: url })))

  expect(runs.flatMap(failuresOf)).toEqual([])
})

it('a restart of every process, one after the other, under load fails no request', async () => {
  const load = startMixedLoad()
  const codes: (number | null)[] = []

  for (const place of places) {
    await until(async () => load.answered() > (codes.length + 1) * 100)
    codes.push(await running.get(place)!.stop())
    await start(place)
  }
  const wrong = await load.stop()

  expect(codes).toEqual([0, 0, 0, 0, 0])
  expect(wrong).toEqual([])
  await untilSettled(database.pool)
  expect(await faultsIn(database.pool)).toEqual([])
})

it('a process finds in the registry what another answered, where the database forgot', async () => {
  const [one, other] = urlsOf('orders')
  const [messages] = urlsOf('messages')

  // On a busy machine a look-up may be late, and then the database is asked, which knows nothing.
  await until(async () => {
    const place = { key: freshId(), body: orderOf(freshId()) }
    const placed = await ask(one!, place)
    const path = `/messages?operation=place-order&key=${place.key}`
    await until(async () => {
      const { items } = bodyOf(await ask(messages!, { method: 'GET', path }))
      return (items as unknown[]).length === 1
    })
    await database.pool.query('delete from commands where key = $1', [`h:${place.key}`])
    return isDeepStrictEqual(await ask(other!, place), { ...placed, replayed: true })
  })
})

function urlsOf(service: string): string[] {
  return places
    .filter((place) => place.service === service)
    .map(({ port }) => `http://127.0.0.1:${port}`)
}

/** One environment does for all: each process skips what only others read. */
async function start(place: Place): Promise<void> {
  const env = {
    ...{ DATABASE_URL: databaseUrl(database), PORT: String(place.port) },
    ...{ SEAL_SECRET, MESSAGES_URL: urlsOf('messages')[0]! },
  }
  running.set(place, await openProduct(env, ['service', place.service]))
}

/** Clients that ask every service, one request after the other, until told to stop. */
function startMixedLoad() {
  let isStopped = false
  let answered = 0
  const wrong: string[] = []
  const client = async () => {
    const userId = freshId()
    const asks: ((n: number) => Asked)[] = [
      () => ({ path: '/accounts', body: { userId, name: 'Ann' } }),
      (n) => ({
        path: `/accounts/${userId}/deposits`,
        key: `${userId}-${n}`,
        body: { amount: 900 },
      }),
      (n) => ({ key: `${userId}-${n}`, body: orderOf(userId) }),
      (n) => ({ key: `${userId}-${n}`, body: orderOf(userId), headers: later }),
      () => ({ method: 'GET', path: `/orders?userId=${userId}` }),
      () => ({ method: 'GET', path: `/notifications?userId=${userId}` }),
      (n) => ({ method: 'GET', path: `/messages?operation=place-order&key=${userId}-${n}` }),
    ]
    for (let n = 0; !isStopped; n += 1) {
      const asked = asks[n % asks.length]!(n)
      const told = await ask(url, asked).catch(String)
      const status = typeof told === 'string' ? told : told.answer.status
      if (![200, 201, 202].includes(status as number)) wrong.push(`${asked.path}: ${status}`)
      answered += 1
    }
  }
  const running = Promise.all(times(8, client))
  return {
    answered: () => answered,
    async stop() {
      isStopped = true
      await running
      return wrong
    },
  }
}

const later = { prefer: 'respond-async' }
