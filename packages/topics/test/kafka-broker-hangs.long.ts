import { describeWithKafka } from '@semel/parts/testing'
import { type KafkaTransportOptions, kafkaTransport } from '@semel/topics/kafka'
import { freshTopic, numberOf, patience, readUntil, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'

describeWithKafka('a broker that is away', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('is published to up to a bound, and gets it in order when it is back', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = openTransport({ publishLimits: { queueMax: 20, queueWaitMaxMs: 60_000 } })
    const publish = (n: number) => transport.publish([told(topic, 'k', n)])
    await publish(0)
    cluster.kafka.hang()
    onTestFinished(() => cluster.kafka.wake())

    const accepted = Array.from({ length: 20 }, (_, n) => publish(n + 1))
    const since = performance.now()
    const refused = await Promise.allSettled([publish(21), publish(22)])

    expect(performance.now() - since).toBeLessThan(1000)
    const unavailable = expect.objectContaining({ code: 'unavailable', effect: 'none' })
    expect(refused).toEqual(refused.map(() => ({ status: 'rejected', reason: unavailable })))
    cluster.kafka.wake()
    await Promise.all(accepted)
    await publish(23)
    const { seen } = await readUntil(transport, 'g', topic, 22)
    expect(seen.map(numberOf)).toEqual([...Array.from({ length: 21 }, (_, n) => n), 23])
  })

  it('rejects a write within seconds when it is dead: an idempotent client would try on', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = openTransport({})
    await transport.publish([told(topic, 'k', 1)])
    await cluster.kafka.kill()
    onTestFinished(() => cluster.kafka.start())

    for (const n of [2, 3]) {
      const since = performance.now()
      await expect(transport.publish([told(topic, 'k', n)])).rejects.toMatchObject({
        code: 'unavailable',
      })
      expect(performance.now() - since).toBeLessThan(8000)
    }
  })

  it('is read on by those who have read it before, each message of a fresh topic once', async () => {
    const [topic, fresh] = [freshTopic(), freshTopic()]
    await cluster.makeTopic(topic)
    const transport = openTransport({})
    const reader = readWith(transport, 'g', topic)
    await transport.publish([told(topic, 'k', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)

    await cluster.kafka.kill()
    await cluster.kafka.start()
    await cluster.makeTopic(fresh, 6)
    const others = openTransport({})
    const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`)
    // Earlier clients wrote the first records of a topic twice unless they were idempotent.
    await Promise.all(keys.map((key, n) => others.publish([told(fresh, key, n)])))
    await others.publish([told(topic, 'k', 2)])

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), {
      ...patience,
      timeout: 30_000,
    })
    const { seen } = await readUntil(others, 'all', fresh, 40)
    expect(seen.map(numberOf).toSorted((a, b) => a - b)).toEqual(keys.map((_, n) => n))
  })

  function openTransport(options: Partial<KafkaTransportOptions>) {
    const transport = kafkaTransport({ brokers: cluster.kafka.brokers, ...options })
    onTestFinished(() => transport.close())
    return transport
  }
})
