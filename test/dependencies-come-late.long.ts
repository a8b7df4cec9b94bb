import { once } from 'node:events'
import { connect, createServer, type NetConnectOpts } from 'node:net'
import type { Kafka } from '@semel/parts/kafka'
import { describeWithKafka, freePort, openTestKafka } from '@semel/parts/testing'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ask, freshId, orderOf } from './client.ts'
import { spawnProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

it('a service waits for its database, then for its tables, and then is ready', async () => {
  const database = await testDatabase([])
  const port = await freePort()
  const late = databaseUrl(database, { host: '127.0.0.1', port })
  const env = { DATABASE_URL: late, SEMEL_WAIT_SECONDS: '60' }

  const orders = spawned(env, ['service', 'orders'])
  await until(async () =>
    /^orders: waiting up to 60 s: .* cannot be rea.*\n$/.test(orders.output()),
  )
  await listenFor(socketOf(database), port)
  await until(async () => /\norders: waiting up to \d+ s: .* lacks tabl.*\n$/.test(orders.output()))
  const migrate = spawned({ DATABASE_URL: databaseUrl(database) }, ['migrate', 'orders'])

  expect(await migrate.exited).toBe(0)
  await until(async () => /\norders is ready at /.test(orders.output()))
  expect(
    (await ask(urlIn(orders.output()), { method: 'GET', path: '/health/ready' })).answer.status,
  ).toBe(200)
})

it('what does not come in time is refused as it would be at once', async () => {
  const DATABASE_URL = databaseUrl(await testDatabase([]))
  const atOnce = spawned({ DATABASE_URL }, ['service', 'billing'])

  const waited = spawned({ DATABASE_URL, SEMEL_WAIT_SECONDS: '1' }, ['service', 'billing'])

  expect(await Promise.all([atOnce.exited, waited.exited])).toEqual([4, 4])
  const lines = waited.output().split('\n')
  expect(lines[0]).toMatch(/^billing: waiting up to 1 s: the database .* lacks tables/)
  expect(lines.slice(1).join('\n')).toBe(atOnce.output())
})

it('a role that PostgreSQL does not let in is not waited for', async () => {
  const { connection } = await testDatabase([])
  const stranger = databaseUrl({ connection: { ...connection, user: 'stranger' } })
  const env = { DATABASE_URL: stranger, SEMEL_WAIT_SECONDS: '3600' }

  for (const name of ['messages', 'gateway']) {
    const refused = spawned(env, ['service', name])

    expect(await refused.exited).toBe(4)
    expect(refused.output()).toMatch(
      /^(messages|gateway): the database .* \(role "stranger" does not exist\).*\n$/,
    )
  }
})

it.each(['orders', 'gateway'])('%s that waits ends at once when it is told to', async (name) => {
  const DATABASE_URL = `postgres://me@127.0.0.1:${await freePort()}/shop`
  const waiting = spawned({ DATABASE_URL, SEMEL_WAIT_SECONDS: '3600' }, ['service', name])
  await until(async () => waiting.output().includes(`${name}: waiting up to 3600 s: `))

  waiting.child.kill('SIGTERM')

  expect(await waiting.exited).toBe(0)
  expect(waiting.output()).toMatch(/\n\w+: SIGTERM: stopping\n$/)
})

describeWithKafka('topics that are not there yet', () => {
  let kafka: Kafka
  beforeAll(async () => {
    kafka = await openTestKafka()
  })
  afterAll(() => kafka?.stop())

  it('are waited for, by services and by the gateway', async () => {
    const DATABASE_URL = databaseUrl(await testDatabase(migrations))
    const env = { KAFKA_BROKERS: kafka.brokers.join(), SEMEL_WAIT_SECONDS: '60' }

    const billing = spawned({ ...env, DATABASE_URL }, ['service', 'billing'])
    const gateway = spawned(env, ['service', 'gateway'])
    for (const { output } of [billing, gateway]) {
      await until(async () =>
        /^\w+: waiting up to \d+ s: .*there is no DEV_order_1_0_pu/.test(output()),
      )
    }
    const made = spawned({ KAFKA_BROKERS: env.KAFKA_BROKERS }, ['topics', 'create'])

    expect(await made.exited).toBe(0)
    await until(async () => /\nbilling is ready at /.test(billing.output()))
    await until(async () => /\ngateway is ready at /.test(gateway.output()))
  })

  it('are waited for beside the work, where Kafka itself comes after the start', async () => {
    const port = await freePort()
    const DATABASE_URL = databaseUrl(await testDatabase(migrations))
    const to = { KAFKA_TOPIC_PREFIX: 'L', SEMEL_WAIT_SECONDS: '120' }
    const env = { ...to, KAFKA_BROKERS: `127.0.0.1:${port}` }
    const orders = spawned({ ...env, DATABASE_URL }, ['service', 'orders'])
    await until(async () => /\norders is ready at /.test(orders.output()))
    const url = urlIn(orders.output())
    const gateway = spawned({ ...env, ORDERS_URL: url }, ['service', 'gateway'])
    await until(async () => /\ngateway is ready at /.test(gateway.output()))
    const all = [orders, gateway]

    const placed = await ask(url, { key: 'away', body: orderOf(freshId()) })
    await listenFor(kafkaAt(kafka), port)
    const missing = /\n\w+: waiting up to \d+ s: topics in Kafka .*there is no L_order_1_0_pu/
    for (const { output } of all) await until(async () => missing.test(output()))
    const made = spawned({ ...to, KAFKA_BROKERS: kafka.brokers.join() }, ['topics', 'create'])
    expect(await made.exited).toBe(0)
    const later = { key: 'later', body: orderOf(freshId()), headers: { prefer: 'respond-async' } }
    await until(
      async () => (await ask(urlIn(gateway.output()), later)).answer.status === 202,
      60_000,
    )

    expect(placed.answer.status).toBe(201)
    for (const { output } of all) {
      expect(output()).toMatch(/^\w+: Kafka at 127\.0\.0\.1:\d+ cannot be asked yet/)
      expect(output()).not.toMatch(/^\w+: topics in Kafka/m)
    }
  }, 150_000)

  it('are told of by a Kafka that takes more than 5 s for every answer', async () => {
    const port = await freePort()
    await listenFor(kafkaAt(kafka), port, 5_500)
    const env = { KAFKA_BROKERS: `127.0.0.1:${port}`, KAFKA_TOPIC_PREFIX: 'S' }

    const gateway = spawned(env, ['service', 'gateway'])

    await until(async () => /\ngateway is ready at /.test(gateway.output()))
    expect(gateway.output()).toMatch(/^gateway: Kafka .* \(no answer within 5000 ms\)/)
    const missing = /\ngateway: topics in Kafka .*there is no S_order_1_0_pu/
    await until(async () => missing.test(gateway.output()), 90_000)
  }, 150_000)

  it('are not waited for where one that is there is wrong', async () => {
    const env = { KAFKA_BROKERS: kafka.brokers.join(), KAFKA_TOPIC_PREFIX: 'W' }
    const made = spawned({ ...env, SEMEL_KEPT_DAYS: '40', SEMEL_REMEMBERED_DAYS: '50' }, [
      ...['topics', 'create'],
    ])
    expect(await made.exited).toBe(0)

    const refused = spawned({ ...env, SEMEL_WAIT_SECONDS: '3600' }, ['service', 'gateway'])

    expect(await refused.exited).toBe(4)
    expect(refused.output()).toMatch(/^gateway: topics in Kafka are not as they must be: .*\n$/)
  })
})

/** As it is spawned, and ended with the test. */
function spawned(env: Record<string, string>, args: readonly string[]) {
  const product = spawnProduct(env, args)
  onTestFinished(async () => {
    product.child.kill('SIGKILL')
    await product.exited
  })
  return product
}

/** From now on a port leads to a server, which says nothing before a time, until the test is over. */
async function listenFor(to: NetConnectOpts, port: number, saysAfterMs = 0): Promise<void> {
  const server = createServer((socket) => {
    const upstream = connect(to)
    for (const each of [socket, upstream]) each.on('error', () => {})
    socket.pipe(upstream)
    upstream.on('data', (bytes) => setTimeout(() => socket.write(bytes), saysAfterMs))
    upstream.on('close', () => socket.destroy())
  })
  onTestFinished(() => void server.close())
  await once(server.listen(port, '127.0.0.1'), 'listening')
}

function socketOf({ connection }: TestDatabase): NetConnectOpts {
  return { path: `${connection.host}/.s.PGSQL.${connection.port ?? 5432}` }
}

function kafkaAt({ brokers }: Kafka): NetConnectOpts {
  const [host, port] = brokers[0]!.split(':')
  return { host: host!, port: Number(port) }
}

function urlIn(output: string): string {
  return /http:\/\/\S+:\d+/.exec(output)![0]
}
