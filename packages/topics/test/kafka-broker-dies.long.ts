import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describeWithKafka } from '@semel/parts/testing'
import type { Transport } from '@semel/topics'
import { freshTopic, numberOf, readWith, told } from '@semel/topics/testing'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { type KafkaCluster, openKafkaCluster } from './kafka-cluster.ts'

const patience = { timeout: 45_000, interval: 20 }

describeWithKafka('a broker that dies', () => {
  const cluster = {} as KafkaCluster
  beforeAll(async () => void Object.assign(cluster, await openKafkaCluster()))
  afterAll(() => cluster.close())

  it('loses nothing acknowledged and no order; what comes twice has the same id', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic, 3)
    const reader = readWith(cluster.open(), 'g', topic)
    const keys = Array.from({ length: 12 }, (_, n) => `key ${n}`)
    const loads = keys.map((key) => publishInOrder(cluster.open(), topic, key))

    for (const count of [300, 600]) {
      await vi.waitFor(() => expect(reader.seen.length).toBeGreaterThan(count), patience)
      await cluster.kafka.kill()
      await cluster.kafka.start()
    }
    await vi.waitFor(() => expect(reader.seen.length).toBeGreaterThan(1000), patience)
    const sent = (await Promise.all(loads.map((load) => load.end()))).flat()

    const wanted = sent.map(({ id }) => id).toSorted()
    await vi.waitFor(
      () => expect([...new Set(reader.seen.map(({ id }) => id))].toSorted()).toEqual(wanted),
      patience,
    )
    const firsts = [...new Map(reader.seen.toReversed().map((one) => [one.id, one])).values()]
    for (const key of keys) {
      const numbers = firsts
        .toReversed()
        .filter(({ partitionKey }) => partitionKey === key)
        .map(numberOf)
      expect(numbers).toEqual(numbers.map((_, n) => n))
    }
  }, 120_000)

  it('lets readers stop within seconds, and tells publishers', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const transport = cluster.open()
    await transport.publish([told(topic, 'k', 1)])
    const { stop, seen } = readWith(transport, 'g', topic)
    await vi.waitFor(() => expect(seen).toHaveLength(1), patience)
    await cluster.kafka.kill()
    onTestFinished(() => cluster.kafka.start())

    const [published] = await Promise.allSettled([transport.publish([told(topic, 'k', 2)])])
    const since = performance.now()
    await stop()

    expect(published).toMatchObject({ reason: { code: 'unavailable' } })
    expect(performance.now() - since).toBeLessThan(10_000)
  })

  it('is missed for as long as it takes, in memory that does not grow', async () => {
    const topic = freshTopic()
    await cluster.makeTopic(topic)
    const publisher = cluster.open()
    await publisher.publish([told(topic, 'k', 1)])
    const readers = [1, 2, 3, 4, 5].map((n) => readWith(cluster.open(), `g${n}`, topic))
    const allHave = (count: number) =>
      vi.waitFor(
        () => expect(readers.map(({ seen }) => seen.length)).toEqual(Array(5).fill(count)),
        {
          ...patience,
        },
      )
    await allHave(1)
    await cluster.kafka.kill()

    // A try every 250 ms: each that is remembered takes 20 KiB.
    await delay(10_000)
    const before = heapUsed()
    await delay(30_000)
    const grownBy = heapUsed() - before
    await cluster.kafka.start()
    await publisher.publish([told(topic, 'k', 2)])
    await allHave(2)

    expect(grownBy).toBeLessThan(6 * 2 ** 20)
  }, 120_000)
})

/** In bytes, without what nobody holds. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

/** One after the other; what was not acknowledged is published again, with its id. */
function publishInOrder(transport: Transport, topic: string, key: string) {
  const sent: ReturnType<typeof told>[] = []
  let isEnding = false
  async function run() {
    for (let n = 0; !isEnding; n += 1) {
      const message = told(topic, key, n)
      while (!(await isPublished(message)));
      sent.push(message)
    }
    return sent
  }
  const isPublished = (message: ReturnType<typeof told>) =>
    transport.publish([message]).then(
      () => true,
      (error) => {
        expect(error).toMatchObject({ code: 'unavailable' })
        return false
      },
    )
  const running = run()
  return {
    end() {
      isEnding = true
      return running
    },
  }
}
