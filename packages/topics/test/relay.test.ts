import { describeWithKafka } from '@semel/parts/testing'
import { transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { type Delivered, startRelay, topicMigrations } from '@semel/topics'
import type { KafkaTransport } from '@semel/topics/kafka'
import { postgresTransport } from '@semel/topics/postgres'
import { freshTopic, numberOf, readUntil, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'

const patience = { timeout: 45_000, interval: 20 }
const keys = ['ann', 'bob', 'cas', 'dan', 'eve']

describeWithKafka('a relay from PostgreSQL to Kafka', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('copies what was committed as it is, and nothing that was not', async () => {
    const { topic, outbox, commit } = await openOutbox()
    const kafka = await openTopic(topic)
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const relay = startRelay({ from: outbox, to: kafka, topics: [topic] })
    onTestFinished(() => relay.stop())

    await commit([{ ...told(topic, 'ann', 1), traceparent }])
    await expect(commit([told(topic, 'ann', 2)], true)).rejects.toThrow('no')
    await commit([told(topic, 'ann', 3)])

    const { seen } = await readUntil(kafka, 'g', topic, 2)
    const original = await readUntil(outbox, 'g', topic, 2)
    const withoutPlace = ({ partition: _, position: __, ...one }: Delivered) => one
    expect(seen.map(withoutPlace)).toEqual(original.seen.map(withoutPlace))
  })

  it('that dies between copy and note repeats ids alone, and keeps the order of keys', async () => {
    const { topic, outbox, commit } = await openOutbox()
    const kafka = await openTopic(topic)
    const copied: string[] = []
    const isDying = new Set<string>()
    const dying: Pick<KafkaTransport, 'forward'> = {
      async forward(messages) {
        await kafka.forward(messages)
        copied.push(...messages.map(({ id }) => id!))
        const name = `${messages[0]!.partition}/${messages[0]!.position}`
        if (isDying.has(name)) return
        isDying.add(name)
        throw new Error('died before it was noted')
      },
    }
    const relay = startRelay({ from: outbox, to: dying, topics: [topic], batchSizeMax: 10 })
    onTestFinished(() => relay.stop())

    for (let n = 0; n < 20; n += 1) await commit(keys.map((key) => told(topic, key, n)))

    await vi.waitFor(() => expect(new Set(copied).size).toBe(20 * keys.length), patience)
    await vi.waitFor(() => expect(copied).toHaveLength(2 * 20 * keys.length), patience)
    const { seen } = await readUntil(kafka, 'g', topic, copied.length)
    expectInOrder(seen, 20)
  })

  it('waits for a broker that is gone, and then copies everything in order', async () => {
    const { topic, outbox, commit } = await openOutbox()
    const kafka = await openTopic(topic)
    const errors: unknown[] = []
    const report = (error: unknown) => errors.push(error)
    const relay = startRelay({ from: outbox, to: kafka, topics: [topic], report })
    onTestFinished(() => relay.stop())
    await commit(keys.map((key) => told(topic, key, 0)))
    await readUntil(kafka, 'before', topic, keys.length)

    await cluster.kafka.kill()
    for (let n = 1; n < 50; n += 1) await commit(keys.map((key) => told(topic, key, n)))
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), patience)
    await cluster.kafka.start()

    await vi.waitFor(async () => {
      const { seen, stop } = await readUntil(cluster.open(), crypto.randomUUID(), topic, 250)
      await stop()
      expectInOrder(seen, 50)
    }, patience)
    expect(errors).toContainEqual(expect.objectContaining({ code: 'unavailable' }))
  })

  async function openTopic(topic: string): Promise<KafkaTransport> {
    await cluster.makeTopic(topic, 3)
    return cluster.open()
  }
})

async function openOutbox() {
  const topic = freshTopic()
  const { pool } = await testDatabase([topicMigrations])
  const outbox = postgresTransport({ pool, partitions: { [topic]: 2 }, ownMs: 100 })
  onTestFinished(() => outbox.close())
  return {
    topic,
    outbox,
    async commit(messages: readonly ReturnType<typeof told>[], isRolledBack = false) {
      await transaction(pool, async (tx) => {
        await outbox.append(tx, messages)
        if (isRolledBack) throw new Error('no')
      })
      outbox.told(messages)
    },
  }
}

/** Of each key all numbers, in their order, by their first copies. */
function expectInOrder(seen: readonly Delivered[], count: number): void {
  const firsts = seen.filter(({ id }, index) => seen.findIndex((one) => one.id === id) === index)
  for (const key of keys) {
    const own = firsts.filter(({ partitionKey }) => partitionKey === key)
    expect(own.map(numberOf)).toEqual(Array.from({ length: count }, (_, n) => n))
  }
}
