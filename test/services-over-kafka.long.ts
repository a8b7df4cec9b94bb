import { migrations as ofBilling } from '@semel/billing'
import { topics as topicNames } from '@semel/contracts/catalogue'
import { migrations as ofMessages } from '@semel/messages'
import { migrations as ofNotifications } from '@semel/notifications'
import { migrations as ofOrders } from '@semel/orders'
import type { Kafka } from '@semel/parts/kafka'
import { describeWithKafka, freePort, openTestKafka } from '@semel/parts/testing'
import { openTestDatabase, type TestDatabase } from '@semel/postgres/testing'
import { createTopics } from '@semel/topics/kafka'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, freshId, orderOf, times } from './client.ts'
import { collections, failuresOf, runCollection } from './postman.ts'
import { openProduct, spawnProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { balanceOf, endOf, itemsOf, openAccount } from './saga.ts'

/** A service in a process of its own, on the database of its own, which two of orders share. */
type Place = Readonly<{ service: Service; port: number }>
type Service = keyof typeof migrationsOf
type OwnDatabase = TestDatabase & Readonly<{ close(): Promise<void> }>

const migrationsOf = {
  orders: ofOrders,
  billing: ofBilling,
  notifications: ofNotifications,
  messages: ofMessages,
}
const services = Object.keys(migrationsOf) as Service[]

describeWithKafka('services with a database each, over Kafka', () => {
  let kafka: Kafka
  const databases = new Map<Service, OwnDatabase>()
  const running = new Map<Place, Awaited<ReturnType<typeof openProduct>>>()
  const places: Place[] = []
  let gateway: Awaited<ReturnType<typeof openProduct>>
  let url = ''

  beforeAll(async () => {
    kafka = await openTestKafka()
    const topics = topicNames.map((topic) => ({ topic, partitions: 3 }))
    await createTopics({ brokers: kafka.brokers, prefix: 'DEV', topics })
    for (const service of services) {
      databases.set(service, await openTestDatabase(migrationsOf[service]))
    }
    for (const service of ['orders', ...services] as const) {
      places.push({ service, port: await freePort() })
    }
    await Promise.all(places.map(start))
    const urls = services.map((service) => {
      const ports = places.filter((place) => place.service === service).map(({ port }) => port)
      return [
        `${service.toUpperCase()}_URL`,
        ports.map((port) => `http://127.0.0.1:${port}`).join(),
      ]
    })
    gateway = await openProduct({ ...kafkaEnv(), ...Object.fromEntries(urls) }, [
      ...['service', 'gateway'],
    ])
    url = gateway.url
  })
  afterAll(async () => {
    await gateway?.close()
    await Promise.all([...running.values()].map((product) => product.close()))
    await Promise.all([...databases.values()].map((database) => database.close()))
    await kafka?.stop()
  })

  const kafkaEnv = () => ({ KAFKA_BROKERS: kafka.brokers.join(), SEMEL_PARTITIONS: '3' })

  async function start(place: Place): Promise<void> {
    const DATABASE_URL = databaseUrl(databases.get(place.service)!)
    const env = { DATABASE_URL, PORT: String(place.port), ...kafkaEnv() }
    running.set(place, await openProduct(env, ['service', place.service]))
  }

  it('the known steps pass through the gateway, at once and later', async () => {
    const runs = await Promise.all(collections.map((one) => runCollection(one, { baseUrl: url })))

    expect(runs.flatMap(failuresOf)).toEqual([])
  })

  it('every order ends once while all processes are killed, and then the broker', async () => {
    const shop = startShop()
    await until(async () => shop.placed() > 50)
    await Promise.all(places.map((place) => running.get(place)!.kill('SIGKILL')))
    await Promise.all(places.map(start))
    await until(async () => shop.placed() > 100, 60_000)
    await kafka.kill()
    await kafka.start()
    await until(async () => shop.placed() > 150, 60_000)
    const users = await shop.stop()

    for (const { userId, deposited, orders } of users) {
      const seen = await settled(userId, orders.length)
      const paid = seen.filter(({ status }) => status === 'paid')
      expect(seen.map(({ id }) => id).sort()).toEqual(orders.toSorted())
      expect(await balanceOf(url, userId)).toBe(
        deposited - paid.reduce((sum, { total }) => sum + total, 0),
      )
      const told = await itemsOf(url, `/notifications?userId=${userId}&limit=100`)
      expect(told.map(({ orderId }) => orderId).sort()).toEqual(orders.toSorted())
    }
  })

  it('no check that can be made on any of the databases finds anything', async () => {
    const told = await Promise.all(
      [...databases.values()].map(async (database) => {
        const env = { DATABASE_URL: databaseUrl(database), KAFKA_BROKERS: kafka.brokers.join() }
        const { exited, output } = spawnProduct(env, ['check'])
        return { code: await exited, output: output() }
      }),
    )

    for (const { code, output } of told) {
      expect(output).toMatch(/\n\d+ checks, no violation; \d+ not made here\.\n$/)
      expect(code).toBe(0)
    }
  })

  /** The orders of a user, when none is pending and the user was told of each. */
  // biome-ignore lint/suspicious/noExplicitAny: what the members are is what tests are about
  async function settled(userId: string, count: number): Promise<any[]> {
    let seen: Awaited<ReturnType<typeof itemsOf>> = []
    await until(async () => {
      seen = await itemsOf(url, `/orders?userId=${userId}&limit=100`)
      const told = await itemsOf(url, `/notifications?userId=${userId}&limit=100`)
      return told.length >= count && seen.every(({ status }) => status !== 'pending')
    }, 60_000)
    return seen
  }

  /** Users who place orders, every other one without waiting for it, each again until it is known. */
  function startShop() {
    let isStopped = false
    let placed = 0
    const shopping = Promise.all(
      times(6, async () => {
        const userId = freshId()
        const deposited = 5000
        await openAccount(url, userId, deposited)
        const orders: string[] = []
        for (let n = 0; !isStopped && n < 90; n += 1) {
          orders.push(await placeOne(userId, n))
          placed += 1
        }
        return { userId, deposited, orders }
      }),
    )
    return {
      placed: () => placed,
      stop() {
        isStopped = true
        return shopping
      },
    }
  }

  async function placeOne(userId: string, n: number): Promise<string> {
    const headers = n % 2 === 0 ? {} : { prefer: 'respond-async' }
    const asked = { key: `${userId}-${n}`, body: orderOf(userId), headers }
    let placed: string | undefined
    await until(async () => {
      const { answer } = await ask(url, asked)
      if (answer.status === 201) placed = JSON.parse(answer.body).id
      if (answer.status === 202) {
        placed = (await endOf(url, JSON.parse(answer.body).guid)).response.body.id
      }
      return placed !== undefined
    }, 60_000)
    return placed!
  }
})
