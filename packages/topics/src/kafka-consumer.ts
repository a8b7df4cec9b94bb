import { setTimeout as delay } from 'node:timers/promises'
import { nameOf, type TopicPartition } from './assign-partitions.ts'
import { type KafkaPartition, kafkaPartition, type Stretch } from './kafka-partition.ts'
import { backOffMs, type PartitionReader, startPartitionReader } from './partition-reader.ts'
import { type Recurring, recurring } from './recurring.ts'
import type { ConsumeOptions, Delivered } from './transport.ts'

/** Where in a partition to go on. */
export type Offset = TopicPartition & Readonly<{ position: number }>

/** What a consumer asks of Kafka, for its group. */
export interface GroupClient {
  /** How many partitions the topics have. Rejects with `TopicUnknown`. */
  partitionCounts(): Promise<ReadonlyMap<string, number>>
  /** Takes part in the group, again if it does already: partitions are shared out anew. */
  join(): Promise<void>
  /** Whether it was thrown out, or hears nothing of the group any more. */
  isLost(): boolean
  assigned(): readonly TopicPartition[]
  /** Where the group is to go on, 0 where it has never been. */
  committed(of: readonly TopicPartition[]): Promise<readonly Offset[]>
  commit(offsets: readonly Offset[]): Promise<void>
  /** What lies in a partition from a position on, at once. */
  fetch(at: TopicPartition, from: number): Promise<Stretch>
  /** Waits so long, at most, for news behind any of these positions. */
  watch(from: readonly Offset[], waitMs: number): Promise<readonly (TopicPartition & Stretch)[]>
  /** Leaves the group; whatever waits for Kafka rejects. */
  close(): Promise<void>
}

/** What a consumer is told. */
export type KafkaConsumerOptions = Readonly<{
  /** `onAssigned` is to be called when the group has shared out its partitions. */
  open: (onAssigned: () => void) => GroupClient
  onBatch: (batch: readonly Delivered[]) => Promise<void>
  consume: ConsumeOptions
  /** What readers call a topic, by its name in Kafka. */
  topicOf: (name: string) => string
  random: () => number
}>

type Reading = Readonly<{ partition: KafkaPartition; reader: PartitionReader }>

const lookEveryMs = 1000
const watchMs = 100
/** While some cannot be watched: what comes to rest meanwhile is late by so much, at most. */
const watchAgainMs = 5
const leaveMaxMs = 5000

/**
 * Starts to read topics for a group. Each partition has a reader of its own, as with every other
 * transport: it alone orders, tries again and holds back. All partitions are watched together, also
 * while they are read: a watch cannot be told of one that comes to rest while it waits.
 */
export function startKafkaConsumer(options: KafkaConsumerOptions): { stop(): Promise<void> } {
  return new KafkaConsumer(options)
}

class KafkaConsumer {
  readonly #options: KafkaConsumerOptions
  readonly #client: GroupClient
  readonly #readings = new Map<string, Reading>()
  /** Partitions that were taken away while a batch was worked on. */
  readonly #ending = new Map<string, Promise<void>>()
  readonly #toCommit = new Map<string, Offset>()
  readonly #sharing: Recurring
  readonly #watching: Recurring
  readonly #committing: Recurring
  #counts: string | undefined
  #stopping: Promise<void> | undefined

  constructor(options: KafkaConsumerOptions) {
    this.#options = options
    this.#sharing = this.#recurring(() => this.#share())
    this.#watching = this.#recurring(() => this.#watch())
    this.#committing = this.#recurring(() => this.#commit())
    this.#client = options.open(() => this.#sharing.soon())
    this.#sharing.soon()
    this.#watching.soon()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const reading = [...this.#readings.values()].map(({ reader }) => reader.stop())
    await Promise.all([...reading, ...this.#ending.values()])
    const patience = new AbortController()
    const bound = delay(leaveMaxMs, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([this.#committing.now(), bound])
    await Promise.race([this.#client.close(), bound])
    patience.abort()
    await Promise.all([this.#sharing, this.#watching, this.#committing].map((one) => one.stop()))
  }

  /** Joins where it must, and reads what the group has given it. */
  async #share(): Promise<number> {
    if (this.#stopping !== undefined) return Infinity
    const counts = JSON.stringify([...(await this.#client.partitionCounts())])
    if (this.#counts !== counts || this.#client.isLost()) {
      await this.#client.join()
      this.#counts = counts
    }
    const assigned = new Map(this.#client.assigned().map((one) => [nameOf(one), one]))
    for (const name of this.#readings.keys()) if (!assigned.has(name)) this.#end(name)
    const fresh = [...assigned].filter(
      ([name]) => !this.#readings.has(name) && !this.#ending.has(name),
    )
    if (fresh.length > 0) {
      for (const offset of await this.#client.committed(fresh.map(([, one]) => one))) {
        this.#begin(offset)
      }
    }
    return lookEveryMs
  }

  #begin({ topic, partition, position }: Offset): void {
    if (this.#stopping !== undefined) return
    const { onBatch, consume, topicOf, random } = this.#options
    const { batchSizeMax = 256, batchIntervalMs = 0, report = () => {} } = consume
    const at = { topic, partition }
    const view = kafkaPartition(at, (from) => this.#client.fetch(at, from), {
      ...{ batchSizeMax, topic: topicOf(topic) },
    })
    const reader = startPartitionReader({
      ...{ onBatch, report, random, batchIntervalMs, read: view.read },
      start: { position, generation: 1 },
      commit: (place) => {
        this.#toCommit.set(nameOf(at), { ...at, position: place.position })
        this.#committing.soon()
      },
      limits: { rowsMax: batchSizeMax, bytesMax: 0 },
    })
    this.#readings.set(nameOf(at), { partition: view, reader })
  }

  #end(name: string): void {
    const ended = this.#readings.get(name)!.reader.stop()
    this.#readings.delete(name)
    this.#ending.set(
      name,
      ended.then(() => {
        this.#ending.delete(name)
        // Somebody else is to say how far it was read.
        this.#toCommit.delete(name)
        this.#sharing.soon()
      }),
    )
  }

  async #watch(): Promise<number> {
    if (this.#stopping !== undefined) return Infinity
    const watched = [...this.#readings.values()].flatMap(({ partition }) => {
      const position = partition.watchedFrom()
      const { topic, partition: number } = partition
      return position === undefined ? [] : [{ topic, partition: number, position }]
    })
    if (watched.length === 0) return watchAgainMs
    const isAll = watched.length === this.#readings.size
    for (const stretch of await this.#client.watch(watched, isAll ? watchMs : watchAgainMs)) {
      if (stretch.end <= stretch.from) continue
      const reading = this.#readings.get(nameOf(stretch))
      reading?.partition.add(stretch)
      reading?.reader.wake()
    }
    return 0
  }

  async #commit(): Promise<number> {
    const offsets = [...this.#toCommit]
    if (offsets.length > 0) await this.#client.commit(offsets.map(([, offset]) => offset))
    for (const [name, offset] of offsets) {
      if (this.#toCommit.get(name) === offset) this.#toCommit.delete(name)
    }
    return Infinity
  }

  #recurring(run: () => Promise<number>): Recurring {
    let failures = 0
    const counted = async () => {
      const pauseMs = await run()
      failures = 0
      return pauseMs
    }
    return recurring(counted, (error) => {
      if (this.#stopping !== undefined) return Infinity
      failures += 1
      this.#options.consume.report?.(error)
      return backOffMs(failures, this.#options.random)
    })
  }
}
