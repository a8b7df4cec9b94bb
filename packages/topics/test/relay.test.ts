import { describeWithKafka } from '@semel/parts/testing'
import { type Delivered, startRelay } from '@semel/topics'
import type { KafkaTransport } from '@semel/topics/kafka'
import { readUntil, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'
import { expectInOrder, keys, openOutbox } from './outbox-in-kafka.ts'

const patience = { timeout: 45_000, interval: 20 }

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

  it('says which message is too large for its topic, and goes on when it takes it', async () => {
    const { topic, outbox, commit } = await openOutbox(1)
    const kafka = await openTopic(topic)
    const setSize = (value: string) =>
      cluster.admin.incrementalAlterConfigs({
        resources: [
          {
            ...{ resourceType: 2, resourceName: topic },
            configs: [{ name: 'max.message.bytes', configOperation: 0, value }],
          },
        ],
      })
    await setSize('2000')
    const large = { ...told(topic, 'ann', 6), body: 'x'.repeat(4000) }
    const errors: unknown[] = []
    const report = (error: unknown) => errors.push(error)
    // Together, the small ones are too large as well.
    await commit(
      [0, 1, 2, 3, 4, 5].map((n) => ({ ...told(topic, 'ann', n), body: 'y'.repeat(900) })),
    )
    await commit([large])
    const relay = startRelay({ from: outbox, to: kafka, topics: [topic], report })
    onTestFinished(() => relay.stop())

    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), patience)
    expect(errors[0]).toMatchObject({
      code: 'record-too-large',
      message: expect.stringContaining(`${large.id} (in the outbox: ${topic}/0/6)`),
    })
    await setSize('2000000')

    const reader = readWith(kafka, 'g', topic)
    const ids = () => [...new Set(reader.seen.map(({ id }) => id))]
    await vi.waitFor(() => expect(ids()).toHaveLength(7), patience)
    expect(ids()[6]).toBe(large.id)
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
