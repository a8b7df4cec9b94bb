import { Admin } from '@platformatic/kafka'
import { topics as topicNames } from '@semel/contracts/catalogue'
import type { Kafka } from '@semel/parts/kafka'
import { describeWithKafka, openTestKafka } from '@semel/parts/testing'
import { testDatabase } from '@semel/postgres/testing'
import { createTopics } from '@semel/topics/kafka'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ask, freshId, orderOf } from './client.ts'
import { spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { askLater, endOf, itemsOf, migrations, openAccount } from './saga.ts'
import { silentPort } from './silent-port.ts'

describe('a product whose Kafka', () => {
  it.each([
    ['is not there', async () => 9],
    ['accepts and never answers', silentPort],
  ])('%s starts, says so, takes orders, and stops', async (_, portOf) => {
    const KAFKA_BROKERS = `127.0.0.1:${await portOf()}`
    const DATABASE_URL = databaseUrl(await testDatabase(migrations))
    const product = await startProduct({ KAFKA_BROKERS, DATABASE_URL })
    const place = { key: 'place', body: orderOf(freshId()) }

    const placed = await ask(product.url, place)
    const repeat = await ask(product.url, place)

    expect(placed.answer.status).toBe(201)
    expect(repeat).toEqual({ ...placed, replayed: true })
    expect(product.output()).toContain(`Kafka at ${KAFKA_BROKERS} cannot be asked yet`)
    expect(product.output()).not.toContain('    at ')
    expect(await product.stop()).toBe(0)
  })
})

describeWithKafka('a product over Kafka', () => {
  let kafka: Kafka
  let prefixes = 0
  beforeAll(async () => {
    kafka = await openTestKafka()
  })
  afterAll(() => kafka?.stop())

  async function prepare(partitions = 1) {
    prefixes += 1
    const prefix = `T${prefixes}`
    const topics = topicNames.map((topic) => ({ topic, partitions }))
    await createTopics({ brokers: kafka.brokers, prefix, topics })
    const DATABASE_URL = databaseUrl(await testDatabase(migrations))
    return { KAFKA_BROKERS: kafka.brokers.join(), KAFKA_TOPIC_PREFIX: prefix, DATABASE_URL }
  }

  it('takes as many orders as may wait while the broker is away, then none; all end', async () => {
    const product = await startProduct({ ...(await prepare()), SEMEL_UNSENT_MAX: '30' })
    const userId = freshId()
    await openAccount(product.url, userId, 100_000)
    const place = (n: number) => ask(product.url, { key: `k-${n}`, body: orderOf(userId) })
    await kafka.kill()

    let taken = 0
    let refused: Awaited<ReturnType<typeof place>> | undefined
    await until(async () => {
      const told = await place(taken)
      if (told.answer.status === 201) taken += 1
      else refused = told
      return refused !== undefined
    })
    const repeat = await place(0)
    await kafka.start()
    await until(async () => (await place(taken)).answer.status === 201, 60_000)

    expect(refused).toMatchObject({ answer: { status: 503 } })
    expect(JSON.parse(refused!.answer.body)).toMatchObject({ effect: 'none' })
    expect(repeat).toMatchObject({ answer: { status: 201 }, replayed: true })
    await until(async () => {
      const told = await itemsOf(product.url, `/notifications?userId=${userId}&limit=100`)
      return told.length === taken + 1 && told.every(({ kind }) => kind === 'happiness')
    }, 60_000)
  })

  it('gives receipts by Kafka, and none while the broker is away', async () => {
    const product = await startProduct(await prepare())
    const userId = freshId()
    const guid = await askLater(product.url, { key: 'first', body: orderOf(userId) })
    const end = await endOf(product.url, guid)
    await kafka.kill()

    const headers = { prefer: 'respond-async' }
    const late = { key: 'late', body: orderOf(userId), headers }
    const refused = await ask(product.url, late)
    await kafka.start()
    await until(async () => (await ask(product.url, late)).answer.status === 202, 60_000)

    expect(end.response.status).toBe(201)
    expect(refused.answer.status).toBe(503)
    await until(async () => {
      const orders = await itemsOf(product.url, `/orders?userId=${userId}`)
      return orders.length === 2
    }, 60_000)
  })

  // On a busy machine Kafka may not say in 5 s who reads: then a process starts, and says so later.
  it('does not start beside one that reads the same topics for another database', {
    retry: 2,
  }, async () => {
    const env = await prepare()
    const first = await startProduct(env)
    const place = { key: 'k', body: orderOf(freshId()) }
    await endOf(first.url, await askLater(first.url, place))
    const other = databaseUrl(await testDatabase(migrations))

    const refused = spawnProduct({ ...env, DATABASE_URL: other })
    onTestFinished(() => void refused.child.kill('SIGKILL'))
    const again = await startProduct(env)

    expect(await refused.exited).toBe(4)
    expect(refused.output()).toMatch(
      /^semel: others read as T\d+_orders.*\(KAFKA_TOPIC_PREFIX\).*\n$/,
    )
    expect((await ask(again.url, place)).replayed).toBe(true)
  })

  it.each([
    ['that is not there', undefined, /there is no T\d+_order_1_0_pu.*npx semel topics create\n$/],
    ['that would drop messages unread', { 'cleanup.policy': 'compact' }, /set delete/],
    ['kept for longer than commands', { 'retention.ms': '-1' }, /set less than 30 days/],
  ])('does not start with a topic %s', async (_, configs, said) => {
    const env = await prepare()
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.brokers] })
    onTestFinished(() => admin.close())
    const name = `${env.KAFKA_TOPIC_PREFIX}_order_1_0_pu`
    await admin.deleteTopics({ topics: [name] })
    if (configs !== undefined) {
      const pairs = Object.entries(configs).map(([of, value]) => ({ name: of, value }))
      await admin.createTopics({ topics: [name], partitions: 1, replicas: 1, configs: pairs })
    }

    const refused = spawnProduct(env)

    expect(await refused.exited).toBe(4)
    expect(refused.output()).toMatch(said)
    expect(refused.output().trim().split('\n')).toHaveLength(1)
  })
})
