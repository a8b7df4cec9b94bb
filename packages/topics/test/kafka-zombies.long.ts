import { describeWithKafka } from '@semel/parts/testing'
import { listPositions, startRelay } from '@semel/topics'
import { freshTopic, patience, readUntil, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'
import { startKafkaProcess } from './kafka-processes.ts'
import { expectInOrder, keys, openOutbox } from './outbox-in-kafka.ts'
import { killOwners } from './owners.ts'

describeWithKafka('processes that read, over Kafka', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('a relay that wakes after another took over repeats ids alone, behind their firsts', async () => {
    const { topic, pool, connection, another, commit } = await openOutbox(1)
    await cluster.makeTopic(topic, 3)
    const { brokers } = cluster.kafka
    for (let n = 0; n < 10; n += 1) await commit(keys.map((key) => told(topic, key, n)))
    const zombie = startKafkaProcess({ brokers, topic, outbox: connection, holdsAt: 12 })
    const [held] = await zombie.holding()
    await vi.waitFor(async () => {
      expect((await listPositions(pool))[0]).toMatchObject({ position: held!.from })
    }, patience)
    zombie.signal('SIGSTOP')
    await killOwners(pool)

    const relay = startRelay({ from: another(), to: cluster.open(), topics: [topic] })
    onTestFinished(() => relay.stop())
    const reader = readWith(cluster.open(), 'g', topic)
    const ids = () => new Set(reader.seen.map(({ id }) => id))
    await vi.waitFor(() => expect(ids().size).toBe(50), patience)
    const count = reader.seen.length
    zombie.release()
    zombie.signal('SIGCONT')
    await vi.waitFor(() => {
      expect(zombie.steps).toContainEqual({ ...held, state: 'done' })
      expect(reader.seen.length).toBeGreaterThan(count)
    }, patience)
    await relay.stop()
    await commit(keys.map((key) => told(topic, key, 10)))

    await vi.waitFor(() => expect(ids().size).toBe(55), patience)
    expectInOrder(reader.seen, 11)
  })

  it('two relays whose sessions break under load copy all, in the order of keys', async () => {
    const { topic, pool, another, commit } = await openOutbox()
    await cluster.makeTopic(topic, 3)
    const relays = [0, 1].map(() =>
      startRelay({ from: another(), to: cluster.open(), topics: [topic], batchSizeMax: 7 }),
    )
    onTestFinished(async () => void (await Promise.all(relays.map((relay) => relay.stop()))))
    const reader = readWith(cluster.open(), 'g', topic)

    for (let n = 0; n < 60; n += 1) {
      await commit(keys.map((key) => told(topic, key, n)))
      if (n % 20 !== 10) continue
      await vi.waitFor(() => expect(reader.seen.length).toBeGreaterThan(4 * n), patience)
      await killOwners(pool)
    }

    const ids = () => new Set(reader.seen.map(({ id }) => id))
    await vi.waitFor(() => expect(ids().size).toBe(60 * keys.length), patience)
    expectInOrder(reader.seen, 60)
  })

  it('what processes had in hand that died, or hung, goes to others, and that alone', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic, 2)
    const publisher = cluster.open()
    const names = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    const tell = (n: number) => publisher.publish(names.map((key) => told(topic, key, n)))
    for (let n = 0; n < 3; n += 1) await tell(n)
    const { brokers } = cluster.kafka
    const dying = startKafkaProcess({ brokers, topic, holdsAt: 12 })
    const heldByDying = await dying.holding(2)
    const hanging = startKafkaProcess({ brokers, topic, holdsAt: 12 })
    const [heldByHanging] = await hanging.holding()
    // While a partition is handed over, both may read it: the other one holds the same batch.
    const held = heldByDying.map(({ partition, from }) => ({ partition, from }))
    expect(held).toContainEqual(expect.objectContaining({ partition: heldByHanging!.partition }))
    await vi.waitFor(async () => {
      for (const { partition, from } of held) expect(await committed(topic, partition)).toBe(from)
    }, patience)

    hanging.signal('SIGSTOP')
    await dying.kill()
    const reader = readWith(cluster.open(), 'g', topic)
    const others = () => [...new Set(reader.seen.map(({ id }) => id))]
    const given = 60 - held.reduce((sum, { from }) => sum + from, 0)
    await vi.waitFor(() => expect(others()).toHaveLength(given), { ...patience, timeout: 30_000 })
    for (const { partition, from } of held) {
      expect(reader.seen.find((one) => one.partition === partition)?.position).toBe(from)
    }
    hanging.release()
    hanging.signal('SIGCONT')
    await vi.waitFor(
      () => expect(hanging.steps).toContainEqual({ ...heldByHanging, state: 'done' }),
      patience,
    )
    await tell(3)

    const late = await readUntil(cluster.open(), 'late', topic, 80)
    const end = (of: number) => late.seen.filter(({ partition }) => partition === of).length
    await vi.waitFor(async () => {
      for (const partition of [0, 1]) expect(await committed(topic, partition)).toBe(end(partition))
    }, patience)
  }, 90_000)

  async function committed(topic: string, partition: number): Promise<number> {
    const topics = [{ name: topic, partitionIndexes: [partition] }]
    const [group] = await cluster.admin.listConsumerGroupOffsets({
      groups: [{ groupId: 'g', topics }],
    })
    return Number(group!.topics[0]!.partitions[0]!.committedOffset)
  }
})
