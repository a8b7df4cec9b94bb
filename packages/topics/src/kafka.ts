import { setTimeout as delay } from 'node:timers/promises'
import { Base, Producer } from '@platformatic/kafka'
import { partitionOf } from './append.ts'
import { clientOptions, countsOf, type KafkaConnection } from './kafka-connection.ts'
import { startKafkaConsumer } from './kafka-consumer.ts'
import {
  failureOf,
  isTooLarge,
  KafkaUnavailable,
  RecordTooLarge,
  TopicUnknown,
} from './kafka-failures.ts'
import { openGroup } from './kafka-group.ts'
import { kafkaNames } from './kafka-names.ts'
import { type Carried, carriedOf, recordOf } from './kafka-record.ts'
import { limitTo } from './limit.ts'
import { createPublisher, type PublisherLimits, usualPublishLimits } from './publisher.ts'
import type { Delivered, Transport } from './transport.ts'

export type { KafkaConnection } from './kafka-connection.ts'
export {
  GroupRuns,
  GroupTaken,
  KafkaNotAllowed,
  KafkaNotSupported,
  KafkaUnavailable,
  MessagesGone,
  RecordTooLarge,
  TopicUnknown,
} from './kafka-failures.ts'
export { findTakenGroups, type GroupsOwned } from './kafka-owners.ts'
export {
  type GroupReading,
  type KafkaPosition,
  listKafkaPositions,
  positionSince,
  resetKafkaPositions,
} from './kafka-positions.ts'
export {
  createTopics,
  inspectTopics,
  type TopicDifference,
  type TopicFound,
  type TopicOptions,
  type TopicWanted,
} from './kafka-topics.ts'

/** How a Kafka transport works. */
export type KafkaTransportOptions = KafkaConnection &
  Readonly<{
    /**
     * What may wait to be published; more is refused at once, and what waits longer then. Default
     * 10,000 messages, 64 MiB of bodies, 5,000 ms.
     */
    publishLimits?: Partial<PublisherLimits>
    /**
     * For whom it reads, such as a database, in a word: a group that is read for somebody else is
     * not joined, since each would get a part; `report` is told {@link GroupTaken}. Default: for
     * anybody.
     */
    owner?: string
    /** A number from 0 to 1, for jitter. Default `Math.random`. */
    random?: () => number
  }>

/** The transport over Kafka. */
export interface KafkaTransport extends Transport {
  /** Messages that wait to be published. */
  waiting(): number
  /**
   * Publishes messages as another transport carried them: see `startRelay`. It waits for as long as
   * the brokers take, in no queue.
   */
  forward(messages: readonly Delivered[]): Promise<void>
  /** Stops all consumers, publishes what was taken, and closes its connections. */
  close(): Promise<void>
}

const publishBatchMax = 1000
const retries = 3
const retryDelayMs = 250
/** A broker that is silent for longer is not asked again. */
const askMaxMs = 2000
/** Of a partition's records in one request, a broker takes no more than a message may have. */
const publishBytesMax = 2 ** 20

/**
 * Makes a transport over Kafka. Topics are never made by the way: see `createTopics`.
 *
 * `publish` keeps the order of one caller's messages, has all in-sync replicas acknowledge them,
 * and writes to the partition that the outbox would use for as many partitions. It rejects with
 * {@link TopicUnknown}, {@link RecordTooLarge}, {@link KafkaNotAllowed}, {@link KafkaNotSupported}
 * or {@link KafkaUnavailable}. Where it is not known whether they are written (`effect`), they may
 * be there twice when published again, with the same ids. `report` of `consume` is told the same.
 *
 * A group shares partitions out evenly; each is read in one process at a time, and everybody keeps
 * what they have as long as that is fair. While one is handed over, both may read it for a moment.
 * A group's first time begins at the start. Positions are committed after their batch, not waited
 * for: after a crash, the last batches come again.
 */
export function kafkaTransport(options: KafkaTransportOptions): KafkaTransport {
  const { publishLimits, random = Math.random } = options
  const names = kafkaNames(options.prefix)
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
    ...clientOptions(options),
    // Without an end to retries an idempotent producer tries for ever.
    ...{ idempotent: true, acks: -1, retries, retryDelay: retryDelayMs },
  })
  // The producer would try again within each of its tries, for minutes.
  const scout = new Base({ ...clientOptions(options), retries: 0 })
  const writer = { scout, producer }
  // Of two writes at once, one that is tried again would come behind the other.
  const inTurn = limitTo(1)
  const forward = (messages: readonly Carried[]) =>
    inTurn(() => write(writer, messages, names.topic))
  const publisher = createPublisher({
    write: (messages) => forward(messages.map(carriedOf)),
    isOfData: (error) => error instanceof TopicUnknown || error instanceof RecordTooLarge,
    notTaken: (reason) => new KafkaUnavailable('none', new Error(reason)),
    told: () => {},
    batchSizeMax: publishBatchMax,
    limits: { ...usualPublishLimits, ...publishLimits },
  })
  const stops = new Set<() => Promise<void>>()
  let isClosed = false
  return {
    publish: publisher.publish,
    waiting: publisher.waiting,
    forward,
    consume(group, topics, onBatch, consume = {}) {
      if (isClosed) throw new TypeError('the transport is closed')
      const report = (error: unknown) => consume.report?.(failureOf(error))
      const member = { group: names.group(group), topics: topics.map(names.topic), report }
      const consumer = startKafkaConsumer({
        open: (onAssigned) => openGroup({ connection: options, ...member, onAssigned }),
        ...{ onBatch, consume: { ...consume, report }, topicOf: names.topicOf, random },
      })
      const stop = async () => {
        await consumer.stop()
        stops.delete(stop)
      }
      stops.add(stop)
      return { stop }
    },
    async close() {
      isClosed = true
      await Promise.all([...stops].map((stop) => stop()))
      await publisher.close()
      await Promise.all([scout.close(), producer.close()])
    },
  }
}

type Writer = Readonly<{ scout: Base; producer: Producer<Buffer, Buffer, Buffer, Buffer> }>

async function write(
  { scout, producer }: Writer,
  messages: readonly Carried[],
  nameOf: (topic: string) => string,
): Promise<void> {
  const counts = await askUntilTold(scout, new Set(messages.map(({ topic }) => nameOf(topic))))
  const records = messages.map((message) => {
    const { partitionKey } = message
    const topic = nameOf(message.topic)
    const partition = partitionOf(partitionKey, counts.get(topic)!)
    return { topic, partition, ...recordOf(message), message }
  })
  for (let start = 0; start < records.length; ) {
    let bytes = 0
    const end = records.findIndex(({ value }, index) => {
      if (index < start) return false
      bytes += value.length
      return index > start && bytes > publishBytesMax
    })
    const part = records.slice(start, end === -1 ? records.length : end)
    await send(producer, part).catch((error) => {
      scout.clearMetadata()
      producer.clearMetadata()
      throw failureOf(error, 'unknown')
    })
    start += part.length
  }
}

type Writable = ReturnType<typeof recordOf> &
  Readonly<{ topic: string; partition: number; message: Carried & Partial<Delivered> }>

/** What a topic takes at once may be less than we send: it is halved until one alone is refused. */
async function send(producer: Writer['producer'], part: readonly Writable[]): Promise<void> {
  try {
    await producer.send({ messages: part.map(({ message: _, ...record }) => record) })
  } catch (error) {
    if (!isTooLarge(error)) throw error
    const [{ topic, value, message }] = part as [Writable]
    if (part.length === 1) throw new RecordTooLarge(topic, placeOf(message), value.length, error)
    const middle = Math.ceil(part.length / 2)
    await send(producer, part.slice(0, middle))
    await send(producer, part.slice(middle))
  }
}

function placeOf({ id, topic, partition, position }: Writable['message']): string {
  return position === undefined
    ? `${id}`
    : `${id} (in the outbox: ${topic}/${partition}/${position})`
}

async function askUntilTold(scout: Base, topics: ReadonlySet<string>) {
  const since = performance.now()
  for (let tries = 1; ; tries += 1) {
    try {
      return await countsOf(scout, topics)
    } catch (error) {
      const isLast = tries > retries || performance.now() - since > askMaxMs
      if (isLast || !(error instanceof KafkaUnavailable)) throw error
      await delay(retryDelayMs)
    }
  }
}
