import { describeWithKafka } from '@semel/parts/testing'
import { freshTopic, numberOf, patience, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'

describeWithKafka('partitions of a group over Kafka', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('go to who joins while batches are worked on, and back when it stops; none is lost', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic, 4)
    const publisher = cluster.open()
    const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`)
    const sent = [0, 1, 2].map((n) => keys.map((key) => told(topic, key, n)))
    const { promise, resolve } = Promise.withResolvers<void>()
    onTestFinished(() => resolve())
    const first = readWith(cluster.open(), 'g', topic, {}, () => promise)
    await publisher.publish(sent[0]!)
    await vi.waitFor(() => expect(first.batches.length).toBe(4), patience)

    const second = readWith(cluster.open(), 'g', topic)
    await vi.waitFor(() => expect(second.seen.length).toBeGreaterThan(0), patience)
    resolve()
    await publisher.publish(sent[1]!)
    const idsSeen = () => new Set([...first.seen, ...second.seen].map(({ id }) => id))
    await vi.waitFor(() => expect(idsSeen().size).toBe(80), patience)
    const again = (reader: typeof first) => reader.seen.filter((one) => numberOf(one) === 1)
    expect([...again(first), ...again(second)]).toHaveLength(keys.length)
    await second.stop()
    const countOfSecond = second.seen.length
    await publisher.publish(sent[2]!)

    await vi.waitFor(() => expect(idsSeen().size).toBe(120), patience)
    expect(second.seen).toHaveLength(countOfSecond)
    expect(new Set(second.seen.map(({ partition }) => partition)).size).toBe(2)
  })
})
