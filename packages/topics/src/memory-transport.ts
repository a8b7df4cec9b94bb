import type { Message } from '@semel/commands'
import { type PartitionCounts, partitionOf } from './append.ts'
import { bodyText } from './envelope.ts'
import {
  type PartitionReader,
  type Place,
  startPartitionReader,
  type Wait,
} from './partition-reader.ts'
import type { Delivered, Transport } from './transport.ts'

/** What transports in memory share, as processes share a database. */
export type MemoryLog = Readonly<{
  /** Messages by topic and partition; a message's index is its position. */
  topics: Map<string, Delivered[][]>
  /** How far groups have read, by `group topic partition` in JSON. */
  places: Map<string, Place>
  consumers: Set<Consumer>
  /** Who reads, by the same names. */
  owners: Map<string, Consumer>
}>

/** How a memory transport works. */
export type MemoryTransportOptions = Readonly<{
  /** How many partitions new messages are spread over, by topic. Default 1 each. */
  partitions?: PartitionCounts
  /** Shared with other transports, as another process shares a database. Default: its own. */
  log?: MemoryLog
  /** How to wait before a batch that was rejected comes again. Default: by the clock. */
  wait?: Wait
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  random?: () => number
}>

/** A transport in memory, and what an operator can do to it. */
export interface MemoryTransport extends Transport {
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

/** Makes an empty log. */
export function memoryLog(): MemoryLog {
  return { topics: new Map(), places: new Map(), consumers: new Set(), owners: new Map() }
}

/**
 * Makes a transport in memory, for tests and simulation. It passes the same suite as the PostgreSQL
 * transport and reads with the same loop. Nothing is waited for but back-off, and nothing is ever
 * dropped from its log; without a shared log, all is gone with it.
 */
export function memoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  const { partitions = {}, log = memoryLog(), wait, random } = options
  return {
    async publish(messages) {
      // All before any is put: a body that is too large keeps the others back too.
      const bodies = messages.map(bodyText)
      const written = messages.map((message, index) => {
        const partition = partitionOf(message.partitionKey, partitions[message.topic] ?? 1)
        return put(log, message, bodies[index]!, partition)
      })
      assign(log)
      const places = new Map(written.map((at) => [nameOf('', at.topic, at.partition), at]))
      for (const { topic, partition } of places.values()) {
        for (const { group, readers } of log.consumers) {
          readers.get(nameOf(group, topic, partition))?.wake()
        }
      }
    },
    consume(group, topics, onBatch, { batchSizeMax = 256, report = () => {} } = {}) {
      const open = (topic: string, partition: number, start: Place) =>
        startPartitionReader({
          start,
          read: async (from) => pageOf(log, topic, partition, from, batchSizeMax),
          commit: (place) => advance(log, nameOf(group, topic, partition), place),
          onBatch,
          report,
          ...(wait ? { wait } : {}),
          ...(random ? { random } : {}),
        })
      const consumer: Consumer = { group, topics, readers: new Map(), open }
      log.consumers.add(consumer)
      assign(log)
      return {
        async stop() {
          log.consumers.delete(consumer)
          await Promise.all([...consumer.readers.values()].map((reader) => reader.stop()))
          for (const name of consumer.readers.keys()) log.owners.delete(name)
          consumer.readers.clear()
          assign(log)
        },
      }
    },
    resetPosition({ group, topic, partition, to }) {
      const name = nameOf(group, topic, partition)
      const end = log.topics.get(topic)?.[partition]?.length ?? 0
      if (to > end) throw new RangeError(`${topic}/${partition} ends at ${end}`)
      const generation = (log.places.get(name)?.generation ?? 1) + 1
      const place = { position: to, generation }
      log.places.set(name, place)
      log.owners.get(name)?.readers.get(name)?.moveTo(place)
    },
  }
}

function put(log: MemoryLog, message: Message, body: string, partition: number): Delivered {
  const { topic, body: _, time, ...envelope } = message
  const all = log.topics.get(topic) ?? []
  log.topics.set(topic, all)
  while (all.length <= partition) all.push([])
  const of = all[partition]!
  const place = { topic, partition, position: of.length }
  const put = { ...envelope, ...place, time: time.toISOString(), body }
  of.push(put)
  return put
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
): { messages: Delivered[]; hasMore: boolean } {
  const all = log.topics.get(topic)?.[partition] ?? []
  return {
    messages: all.slice(from, from + batchSizeMax),
    hasMore: all.length > from + batchSizeMax,
  }
}

function advance(log: MemoryLog, name: string, { position, generation }: Place): void {
  const known = log.places.get(name) ?? { position: 0, generation: 1 }
  if (known.generation === generation && known.position < position) {
    log.places.set(name, { position, generation })
  }
}

function nameOf(group: string, topic: string, partition: number): string {
  return JSON.stringify([group, topic, partition])
}
