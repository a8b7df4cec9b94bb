import type { Message } from '@semel/commands'
import type { MemoryTx } from '@semel/commands/memory'
import { type PartitionCounts, partitionOf } from './append.ts'
import { bodyText } from './envelope.ts'
import {
  type Page,
  type PartitionReader,
  type Place,
  startPartitionReader,
  type Wait,
} from './partition-reader.ts'
import type { Delivered, OutboxTransport } from './transport.ts'

/** What transports in memory share, as processes share a database. */
export type MemoryLog = Readonly<{
  /** Messages by topic and partition; a message's index is its position. */
  topics: Map<string, Delivered[][]>
  /** How far groups have read, by `group topic partition` in JSON. */
  places: Map<string, Place>
  consumers: Set<Consumer>
  /** Who reads, by the same names. */
  owners: Map<string, Consumer>
  /** What was told in the database; the first `taken` of it have their positions. */
  outbox: { readonly messages: readonly Message[]; taken: number }
  /** Of messages that were appended, the partition; of those that are committed, their place. */
  partitions: WeakMap<Message, number>
  delivered: WeakMap<Message, Delivered>
}>

/** How a memory transport works. */
export type MemoryTransportOptions = Readonly<{
  /** How many partitions new messages are spread over, by topic. Default 1 each. */
  partitions?: PartitionCounts
  /** Shared with other transports, as another process shares a database. Default: its own. */
  log?: MemoryLog
  /** How a page comes from the log; it takes the page when it likes. Default: at once. */
  read?: (page: () => Page) => Promise<Page>
  /** How to wait before a batch that was rejected comes again. Default: by the clock. */
  wait?: Wait
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  random?: () => number
}>

/** A transport in memory, and what an operator can do to it. */
export interface MemoryTransport extends OutboxTransport<MemoryTx> {
  /**
   * Looks for messages that it was not told of, and for partitions that nobody reads: the
   * PostgreSQL transport does so by itself.
   */
  poll(): void
  /** Gives messages to its readers, as `told` does; they must be committed. */
  handOver(delivered: readonly Delivered[]): void
  /** Lets a group read a partition again, as `resetPosition` does. */
  resetPosition(at: { group: string; topic: string; partition: number; to: number }): void
}

/** One call of `consume`. */
interface Consumer {
  readonly group: string
  readonly topics: readonly string[]
  readonly readers: Map<string, PartitionReader>
  readonly open: (topic: string, partition: number, start: Place) => PartitionReader
}

const batchBytesMax = 8 * 2 ** 20

/** Makes an empty log, in a database where these messages are told: those of a memory database. */
export function memoryLog(messages: readonly Message[] = []): MemoryLog {
  return {
    ...{ topics: new Map(), places: new Map(), consumers: new Set(), owners: new Map() },
    ...{ outbox: { messages, taken: 0 }, partitions: new WeakMap(), delivered: new WeakMap() },
  }
}

/**
 * Makes a transport in memory, for tests and simulation. It passes the same suite as the PostgreSQL
 * transport, reads with the same loop, and hands over what it is told in the same way; only that it
 * never polls by itself. Nothing is waited for but back-off, and nothing is ever dropped from its
 * log; without a shared log, all is gone with it.
 */
export function memoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  const { partitions = {}, log = memoryLog(), wait, random } = options
  const { read = async (page) => page() } = options
  const own = new Set<Consumer>()
  const partitionFor = ({ topic, partitionKey }: Message) =>
    partitionOf(partitionKey, partitions[topic] ?? 1)

  return {
    async publish(messages) {
      // All before any is put: a body that is too large keeps the others back too.
      const bodies = messages.map(bodyText)
      takeIn(log, partitionFor)
      const written = messages.map((message, index) =>
        put(log, message, bodies[index]!, partitionFor(message)),
      )
      assign(log)
      handOver(own, written)
      const others = [...log.consumers].filter((consumer) => !own.has(consumer))
      for (const handed of byPlace(written)) wake(others, handed, undefined)
    },
    async append(tx, messages) {
      for (const message of messages) {
        bodyText(message)
        log.partitions.set(message, partitionFor(message))
      }
      tx.tell(messages)
    },
    told(messages) {
      takeIn(log, partitionFor)
      assign(log)
      const delivered = messages.flatMap((message) => log.delivered.get(message) ?? [])
      handOver(own, delivered)
    },
    poll() {
      takeIn(log, partitionFor)
      assign(log)
      for (const { readers } of own) {
        for (const [name, reader] of readers) reader.sawHead(endOf(log, name))
      }
    },
    handOver: (delivered) => handOver(own, delivered),
    consume(group, topics, onBatch, { batchSizeMax = 256, report = () => {} } = {}) {
      const open = (topic: string, partition: number, start: Place) =>
        startPartitionReader({
          start,
          read: (from) => read(() => pageOf(log, topic, partition, from, batchSizeMax)),
          commit: (place) => advance(log, nameOf(group, topic, partition), place),
          ...{ onBatch, report, limits: { rowsMax: batchSizeMax, bytesMax: batchBytesMax } },
          ...(wait ? { wait } : {}),
          ...(random ? { random } : {}),
        })
      const consumer: Consumer = { group, topics, readers: new Map(), open }
      own.add(consumer)
      log.consumers.add(consumer)
      assign(log)
      return {
        async stop() {
          own.delete(consumer)
          log.consumers.delete(consumer)
          await Promise.all([...consumer.readers.values()].map((reader) => reader.stop()))
          for (const name of consumer.readers.keys()) log.owners.delete(name)
          consumer.readers.clear()
          assign(log)
        },
      }
    },
    resetPosition: ({ group, topic, partition, to }) =>
      reset(log, nameOf(group, topic, partition), to),
  }
}

/** Gives what was committed since the last look its positions, in the order of its commits. */
function takeIn(
  { outbox, partitions, ...log }: MemoryLog,
  partitionFor: (message: Message) => number,
): void {
  for (; outbox.taken < outbox.messages.length; outbox.taken += 1) {
    const message = outbox.messages[outbox.taken]!
    const partition = partitions.get(message) ?? partitionFor(message)
    log.delivered.set(message, put(log, message, bodyText(message), partition))
  }
}

function put(
  { topics }: Pick<MemoryLog, 'topics'>,
  message: Message,
  body: string,
  partition: number,
): Delivered {
  const { topic, body: _, time, ...envelope } = message
  const all = topics.get(topic) ?? []
  topics.set(topic, all)
  while (all.length <= partition) all.push([])
  const of = all[partition]!
  const place = { topic, partition, position: of.length }
  const put = { ...envelope, ...place, time: time.toISOString(), body }
  of.push(put)
  return put
}

/** Messages by topic and partition, one at least in each. */
function byPlace(messages: readonly Delivered[]): Iterable<readonly [Delivered, ...Delivered[]]> {
  const places = Map.groupBy(messages, ({ topic, partition }) => `${partition} ${topic}`)
  return places.values() as Iterable<[Delivered, ...Delivered[]]>
}

function handOver(to: Iterable<Consumer>, delivered: readonly Delivered[]): void {
  for (const handed of byPlace(delivered)) wake(to, handed, handed)
}

function wake(
  consumers: Iterable<Consumer>,
  [{ topic, partition }]: readonly [Delivered, ...Delivered[]],
  handed: readonly Delivered[] | undefined,
): void {
  for (const { group, topics, readers } of consumers) {
    if (topics.includes(topic)) readers.get(nameOf(group, topic, partition))?.wake(handed)
  }
}

/** Gives every partition that nobody reads to the first who wants it. */
function assign(log: MemoryLog): void {
  for (const consumer of log.consumers) {
    for (const topic of consumer.topics) {
      for (const partition of (log.topics.get(topic) ?? []).keys()) {
        const name = nameOf(consumer.group, topic, partition)
        if (log.owners.has(name)) continue
        log.owners.set(name, consumer)
        const start = log.places.get(name) ?? { position: 0, generation: 1 }
        consumer.readers.set(name, consumer.open(topic, partition, start))
      }
    }
  }
}

function pageOf(
  log: MemoryLog,
  topic: string,
  partition: number,
  from: number,
  batchSizeMax: number,
): Page {
  const all = log.topics.get(topic)?.[partition] ?? []
  return {
    messages: all.slice(from, from + batchSizeMax),
    hasMore: all.length > from + batchSizeMax,
  }
}

function endOf(log: MemoryLog, name: string): number {
  const [, topic, partition] = JSON.parse(name) as [string, string, number]
  return log.topics.get(topic)?.[partition]?.length ?? 0
}

function advance(log: MemoryLog, name: string, { position, generation }: Place): void {
  const known = log.places.get(name) ?? { position: 0, generation: 1 }
  if (known.generation === generation && known.position < position) {
    log.places.set(name, { position, generation })
  }
}

function reset(log: MemoryLog, name: string, to: number): void {
  const end = endOf(log, name)
  if (to > end) throw new RangeError(`${name} ends at ${end}`)
  const generation = (log.places.get(name)?.generation ?? 1) + 1
  const place = { position: to, generation }
  log.places.set(name, place)
  log.owners.get(name)?.readers.get(name)?.moveTo(place)
}

function nameOf(group: string, topic: string, partition: number): string {
  return JSON.stringify([group, topic, partition])
}
