import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { partitionOf } from './append.ts'
import { bodyBytesMax } from './envelope.ts'
import { handsOver, type OutboxTopics, type Topics } from './hand-over-conformance.ts'
import { freshTopic, numberOf, patience, readUntil, readWith, told } from './testing.ts'

/**
 * What every transport must do. Call it from a test file with a way to open empty topics.
 */
export function transportConformance(name: string, open: () => Promise<Topics>): void {
  conformance(name, open, transports)
}

/** What every transport over an outbox must do: that, and to hand over what is committed. */
export function outboxConformance<Tx>(name: string, open: () => Promise<OutboxTopics<Tx>>): void {
  conformance(name, open, (topics) => {
    transports(topics)
    handsOver(topics)
  })
}

function conformance<T extends Topics>(
  name: string,
  open: () => Promise<T>,
  suite: (topics: T) => void,
): void {
  describe(`the topics of ${name}`, () => {
    const topics = {} as T
    beforeAll(async () => void Object.assign(topics, await open()))
    afterAll(() => topics.close())
    suite(topics)
  })
}

function transports(topics: Topics): void {
  carriesMessages(topics)
  refusesBodies(topics)
  triesAgain(topics)
  remembersPositions(topics)
  takesOver(topics)
  spreadsOverPartitions(topics)
}

function carriesMessages(topics: Topics): void {
  it('carry a message with its envelope and its JSON as they were sent', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const body = { text: '💶 "quoted" \\ {}', amount: 900, none: null }
    const sent = { ...told(topic, 'k', 1), body, traceparent }
    const plain = told(topic, 'k', 2)

    await transport.publish([sent, plain])
    const { seen } = await readUntil(transport, 'g', topic, 2)

    const { body: _, time, ...envelope } = sent
    const at = { topic, partition: 0, time: time.toISOString() }
    expect(seen[0]).toEqual({ ...envelope, ...at, position: 0, body: JSON.stringify(body) })
    expect(seen[1]).toEqual({ ...plain, ...at, position: 1, body: '2' })
    expect('traceparent' in seen[1]!).toBe(false)
  })

  it('give each key its messages in the order of one publisher', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const keys = ['ann', 'bob', 'cas']
    const sent = Array.from({ length: 300 }, (_, n) => told(topic, keys[n % 3]!, n))

    await Promise.all(sent.map((message) => transport.publish([message])))
    const { seen } = await readUntil(transport, 'g', topic, 300)

    for (const key of keys) {
      const own = seen.filter(({ partitionKey }) => partitionKey === key)
      expect(own.map(numberOf)).toEqual(own.map(numberOf).toSorted((a, b) => a - b))
    }
  })

  it('are durable once published: who reads only later begins at the beginning', async () => {
    const topic = freshTopic()
    await topics.transport().publish([told(topic, 'k', 1)])
    await topics.transport().publish([told(topic, 'k', 2)])

    const { seen } = await readUntil(topics.transport(), 'late', topic, 2)

    expect(seen.map(numberOf)).toEqual([1, 2])
  })

  it('reach who waits for them', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const reader = readWith(transport, 'g', topic)
    await transport.publish([told(topic, 'k', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)

    await transport.publish([told(topic, 'k', 2)])

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), patience)
  })

  it('come in batches no greater than asked', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    await transport.publish(Array.from({ length: 25 }, (_, n) => told(topic, 'k', n)))

    const { batches } = await readUntil(transport, 'g', topic, 25, { batchSizeMax: 10 })

    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
  })
}

function refusesBodies(topics: Topics): void {
  it('take no body that readers would not, nor what is published with it', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const tooLarge = { ...told(topic, 'k', 2), body: '\u20ac'.repeat(bodyBytesMax / 3) }
    const largest = { ...told(topic, 'k', 3), body: 'x'.repeat(bodyBytesMax - 2) }

    const ends = await Promise.allSettled([
      transport.publish([told(topic, 'k', 1), tooLarge]),
      transport.publish([largest]),
    ])
    const { seen } = await readUntil(transport, 'g', topic, 1)

    expect(ends[0]).toMatchObject({ reason: { code: 'message-too-large' } })
    expect(seen.map(({ position, body }) => [position, body.length])).toEqual([[0, bodyBytesMax]])
  })
}

function triesAgain(topics: Topics): void {
  it('bring the same batch again when it was rejected, and nothing behind it before', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const errors: unknown[] = []
    await transport.publish([1, 2, 3].map((n) => told(topic, 'k', n)))
    const reader = readWith(
      transport,
      'g',
      topic,
      { batchSizeMax: 2, report: (error) => errors.push(error) },
      async () => {
        if (reader.batches.length <= 2) throw new Error(`trouble ${reader.batches.length}`)
      },
    )

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 1, 2, 1, 2, 3]), patience)

    expect(errors.map((error) => (error as Error).message)).toEqual(['trouble 1', 'trouble 2'])
  })

  it('let a reader stop while its batch is rejected again and again; another gets it', async () => {
    const topic = freshTopic()
    await topics.transport().publish([told(topic, 'k', 1)])
    const failing = readWith(topics.transport(), 'g', topic, {}, async () => {
      throw new Error('always')
    })
    await vi.waitFor(() => expect(failing.batches.length).toBeGreaterThan(1), patience)

    await failing.stop()

    const count = failing.batches.length
    const { seen } = await readUntil(topics.transport(), 'g', topic, 1)
    expect(seen.map(numberOf)).toEqual([1])
    expect(failing.batches.length).toBe(count)
  })
}

function remembersPositions(topics: Topics): void {
  it('go on where the group has stopped', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    await transport.publish([1, 2].map((n) => told(topic, 'k', n)))
    const { stop } = await readUntil(transport, 'g', topic, 2)
    await stop()

    await transport.publish([told(topic, 'k', 3)])
    const { seen } = await readUntil(topics.transport(), 'g', topic, 1)

    expect(seen.map(numberOf)).toEqual([3])
  })

  it('give each group everything', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const one = readWith(transport, 'one', topic)
    const two = readWith(transport, 'two', topic)

    await transport.publish([1, 2, 3].map((n) => told(topic, 'k', n)))

    await vi.waitFor(() => {
      expect(one.numbers()).toEqual([1, 2, 3])
      expect(two.numbers()).toEqual([1, 2, 3])
    }, patience)
  })

  it('wait, when stopped, for the batch that is being worked on', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const { promise, resolve } = Promise.withResolvers<void>()
    await transport.publish([told(topic, 'k', 1)])
    const reader = readWith(transport, 'g', topic, {}, () => promise)
    onTestFinished(() => resolve())
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)
    let isStopped = false

    const stopping = reader.stop().then(() => {
      isStopped = true
    })
    await new Promise(setImmediate)

    expect(isStopped).toBe(false)
    resolve()
    await stopping
    await transport.publish([told(topic, 'k', 2)])
    const { seen } = await readUntil(transport, 'g', topic, 1)
    expect(seen.map(numberOf)).toEqual([2])
  })
}

function takesOver(topics: Topics): void {
  it.each(['the same process', 'another process'])(
    'are read once by a group, and handed over to %s when a reader stops',
    async (where) => {
      const first = topics.transport()
      const topic = freshTopic()
      const reader = readWith(first, 'g', topic)
      await first.publish([told(topic, 'k', 1)])
      await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)
      const second = where === 'the same process' ? first : topics.transport()
      const other = readWith(second, 'g', topic)
      await first.publish([told(topic, 'k', 2)])
      await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), patience)

      await reader.stop()
      await first.publish([told(topic, 'k', 3)])

      await vi.waitFor(() => expect(other.numbers()).toEqual([3]), patience)
      expect(reader.numbers()).toEqual([1, 2])
    },
  )
}

function spreadsOverPartitions(topics: Topics): void {
  const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)

  it('come in batches of one partition, which is that of their keys', async () => {
    const topic = freshTopic()
    const transport = topics.transport({ [topic]: 7 })

    await transport.publish(keys.map((key, n) => told(topic, key, n)))
    const { seen, batches } = await readUntil(transport, 'g', topic, keys.length)

    expect(batches.length).toBeGreaterThan(1)
    for (const batch of batches) expect(new Set(batch.map((one) => one.partition)).size).toBe(1)
    for (const { partitionKey, partition } of seen) {
      expect(partition).toBe(partitionOf(partitionKey, 7))
    }
  })

  it.each([
    ['raised', 2, 7],
    ['lowered', 7, 1],
  ])('are all read when the partition count is %s', async (_, before, after) => {
    const topic = freshTopic()
    const old = topics.transport({ [topic]: before })
    const reader = readWith(old, 'g', topic)
    await old.publish(keys.map((key, n) => told(topic, key, n)))

    const fresh = topics.transport({ [topic]: after })
    await fresh.publish(keys.map((key, n) => told(topic, key, 100 + n)))
    await old.publish(keys.map((key, n) => told(topic, key, 200 + n)))
    await vi.waitFor(() => expect(reader.seen).toHaveLength(3 * keys.length), patience)

    expect(new Set(reader.seen.map(numberOf)).size).toBe(3 * keys.length)
    const late = await readUntil(fresh, 'late', topic, 3 * keys.length)
    expect(new Set(late.seen.map(numberOf)).size).toBe(3 * keys.length)
  })
}
