import { Admin, Producer } from '@platformatic/kafka'
import type { Kafka } from '@semel/parts/kafka'
import { describeWithKafka, openTestKafka } from '@semel/parts/testing'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ask } from '../../test/client.ts'
import { openProduct } from '../../test/product.ts'
import { type OwnDatabase, ownDatabase, sell, semel, settled } from './shop.ts'

type Shown = Readonly<{
  group: string
  topic: string
  partition: number
  position: number
  head: number
  lag: number
  where: string
}>

describeWithKafka('semel topics, over Kafka', () => {
  let kafka: Kafka
  let database: OwnDatabase
  let env: Record<string, string>
  beforeAll(async () => {
    kafka = await openTestKafka()
    database = await ownDatabase()
    env = { DATABASE_URL: database.url, KAFKA_BROKERS: kafka.brokers.join() }
    await semel(['topics', 'create'], env)
  })
  afterAll(async () => {
    await database?.drop()
    await kafka?.stop()
  })

  const resetBilling = (...more: string[]) =>
    semel(['topics', 'reset', '--group', 'billing', '--topic', 'billing', ...more], env)

  async function write(topic: string, time: Date): Promise<void> {
    const producer = new Producer({ clientId: 'other', bootstrapBrokers: [...kafka.brokers] })
    const record = { topic, key: Buffer.from('k'), value: Buffer.from('{}') }
    await producer.send({ messages: [{ ...record, timestamp: BigInt(Number(time)) }], acks: -1 })
    await producer.close()
  }

  /** Else the broker may drop what is old before anybody looks. */
  async function keepForEver(topic: string): Promise<void> {
    const admin = new Admin({ clientId: 'other', bootstrapBrokers: [...kafka.brokers] })
    await admin.deleteTopics({ topics: [topic] })
    const configs = [{ name: 'retention.ms', value: '-1' }]
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs })
    await admin.close()
  }

  async function shown(): Promise<readonly Shown[]> {
    return JSON.parse((await semel(['topics', '--json'], env)).stdout)
  }

  async function billing(): Promise<Shown> {
    return (await shown()).find(({ group, topic, where }) => {
      return group === 'billing' && topic === 'billing' && where === 'Kafka'
    })!
  }

  it('a service is reset when it is stopped, reads all again, and nothing changes', async () => {
    const first = await openProduct(env)
    onTestFinished(first.close)
    const { userId } = await sell(first)
    await settled(env)
    const state = async ({ url }: Readonly<{ url: string }>) => [
      await ask(url, { method: 'GET', path: `/accounts/${userId}` }),
      await ask(url, { method: 'GET', path: `/notifications?userId=${userId}` }),
      (await database.pool.query('select count(*) as number from commands')).rows,
    ]
    const before = await state(first)
    const table = (await semel(['topics'], env)).stdout
    const at = await billing()
    const running = await resetBilling('--to', '0', '--yes')
    await first.stop()
    const asked = await resetBilling('--to', '0')
    const beyond = await resetBilling('--to', '999', '--yes')
    const done = await resetBilling('--to', '0', '--yes')
    const behind = await billing()
    const second = await openProduct(env)
    onTestFinished(second.close)
    await settled(env)

    expect(table).toMatch(/^group +topic +partition +position +head +lag +where\n/)
    expect(table).toMatch(/\nrelay +billing +0 +\d+ +\d+ +0 +outbox\n/)
    expect(table).toMatch(/\nbilling +billing +0 +\d+ +\d+ +0 +Kafka\n/)
    expect(at).toMatchObject({ lag: 0, position: at.head })
    expect(at.head).toBeGreaterThan(1)
    expect(running).toMatchObject({ code: 2, stdout: '' })
    expect(running.stderr).toBe(
      'semel: billing still runs: stop it, then reset; nothing was changed\n',
    )
    expect(asked.stderr).toBe(
      `semel: this would move billing at billing/0 from ${at.head} to 0 ` +
        `(read ${at.head} messages again). Add --yes to do it\n`,
    )
    expect(beyond.stderr).toBe(
      `semel: there is no position 999: billing/0 ends at ${at.head}; nothing was changed\n`,
    )
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(`billing reads billing/0 from 0 (was ${at.head}).\n`)
    expect(behind).toMatchObject({ position: 0, lag: at.head })
    expect(await billing()).toEqual(at)
    expect(await state(second)).toEqual(before)
    expect((await semel(['check'], env)).code).toBe(0)
  })

  it('a reset says what is known, and leaves the groups of the outbox to the database', async () => {
    const nobody = await semel([...reset('nobody'), '--topic', 'order'], env)
    const topic = await semel([...reset('orders'), '--topic', 'billing'], env)
    const relay = await semel([...reset('relay'), '--topic', 'order', '--yes', '--json'], env)

    expect(nobody.stderr).toBe(
      'semel: there is no group nobody (known are orders, billing, notifications, messages)\n',
    )
    expect(topic.stderr).toBe('semel: there is no topic of orders billing (known are order)\n')
    expect(JSON.parse(relay.stdout)).toMatchObject([{ group: 'relay', topic: 'order', to: 0 }])
  })

  it('refuses to read again what came before all that is remembered, unless it is meant', async () => {
    const then = new Date(Date.now() - 60 * 24 * 60 * 60 * 1000)
    await keepForEver('DEV_billing_1_0_pu_dead')
    await write('DEV_billing_1_0_pu_dead', then)
    const args = ['topics', 'reset', '--group', 'messages', '--topic', 'billing_dead', '--to']
    await semel([...args, '1', '--yes'], env)

    const refused = await semel([...args, '0', '--yes'], env)
    const meant = await semel([...args, '0', '--yes', '--beyond-memory'], env)

    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(
      /^semel: billing_dead\/0 at 0 was told before 20\S+, and commands of that time are forgotten .*\n$/,
    )
    expect(meant).toMatchObject({ code: 0, stderr: '' })
  })

  it('says in one line that Kafka does not answer', async () => {
    const { code, stdout, stderr } = await semel(['topics'], {
      ...env,
      KAFKA_BROKERS: '127.0.0.1:9',
    })

    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toMatch(/^semel: Kafka at 127\.0\.0\.1:9 cannot be asked .*\n$/)
  })

  it('waits for a Kafka as long as it is told to, and says so', async () => {
    const create = ['topics', 'create', '--wait', '1']
    const { code, stderr } = await semel(create, { ...env, KAFKA_BROKERS: '127.0.0.1:9' })

    expect(code).toBe(4)
    expect(stderr).toMatch(/^semel: waiting up to 1 s: Kafka at .*\nsemel: Kafka at .*\n$/)
  })
})

function reset(group: string): string[] {
  return ['topics', 'reset', '--to', '0', '--group', group]
}
