import { type Admin, findErrorBy } from '@platformatic/kafka'
import { withAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { GroupRuns } from './kafka-failures.ts'
import { kafkaNames } from './kafka-names.ts'
import type { GroupPartition, Position } from './position-store.ts'

/** A group, and the topics that it reads. */
export type GroupReading = Readonly<{ group: string; topics: readonly string[] }>

/** How far a group has read a partition in Kafka: what it has committed. */
export type KafkaPosition = Omit<Position, 'generation'> &
  Readonly<{
    /** The first position that Kafka still has: where a group begins that has committed nothing. */
    first: number
  }>

type Bounds = Readonly<{ topic: string; partition: number; first: number; head: number }>

/** Moments that `ListOffsets` takes for the first position, and for the one behind the last. */
const [atStart, atEnd] = [-2n, -1n]

/**
 * Lists how far groups have come in Kafka, in the order asked, by topic and partition; also
 * partitions of which a group has committed nothing. Topics that are not there have no partitions.
 *
 * @throws {KafkaUnavailable | KafkaNotAllowed | KafkaNotSupported}
 */
export async function listKafkaPositions(
  options: KafkaConnection,
  asked: readonly GroupReading[],
): Promise<readonly KafkaPosition[]> {
  const names = kafkaNames(options.prefix)
  return withAdmin(options, async (admin) => {
    const topics = [...new Set(asked.flatMap((one) => one.topics))].sort()
    const there = new Set(await admin.listTopics())
    const bounds = await boundsOf(
      admin,
      topics.map(names.topic).filter((name) => there.has(name)),
    )
    const committed = await committedBy(
      admin,
      asked.map(({ group }) => names.group(group)),
    )
    return asked.flatMap(({ group, topics }) =>
      bounds
        .map((one) => ({ ...one, topic: names.topicOf(one.topic) }))
        .filter(({ topic }) => topics.includes(topic))
        .map(({ topic, partition, first, head }) => {
          const place = placeName(names.group(group), names.topic(topic), partition)
          const position = committed.get(place) ?? first
          const lag = Math.max(0, head - position)
          return { group, topic, partition, position, head, lag, first }
        }),
    )
  })
}

/**
 * Lets a group read partitions again from another position, forward or back, from when it is
 * started next. Kafka allows it for a group without members alone. Whether positions are there, and
 * what they bring again is still remembered, is for the caller to look at.
 *
 * @throws {GroupRuns} and nothing was changed.
 * @throws {KafkaUnavailable | KafkaNotAllowed | KafkaNotSupported}
 */
export async function resetKafkaPositions(
  options: KafkaConnection,
  at: Readonly<{ group: string; topic: string; partitions: readonly number[]; to: number }>,
): Promise<void> {
  const names = kafkaNames(options.prefix)
  const { group, topic, partitions, to } = at
  const offset = BigInt(to)
  const partitionOffsets = partitions.map((partition) => ({ partition, offset }))
  await withAdmin(options, async (admin) => {
    const topics = [{ name: names.topic(topic), partitionOffsets }]
    await admin
      .alterConsumerGroupOffsets({ groupId: names.group(group), topics })
      .catch((error) => {
        const isRunning = findErrorBy(error as Error, 'apiId', 'UNKNOWN_MEMBER_ID')
        throw isRunning === null ? error : new GroupRuns(group, error)
      })
  })
}

/**
 * The first message of a partition that is as young as a time, by when it came to Kafka: undefined
 * where all are older.
 *
 * @throws {KafkaUnavailable | KafkaNotAllowed | KafkaNotSupported}
 */
export async function positionSince(
  options: KafkaConnection,
  { topic, partition, since }: Omit<GroupPartition, 'group'> & Readonly<{ since: Date }>,
): Promise<number | undefined> {
  const name = kafkaNames(options.prefix).topic(topic)
  const timestamp = BigInt(since.getTime())
  return withAdmin(options, async (admin) => {
    const [found] = await admin.listOffsets({
      topics: [{ name, partitions: [{ partitionIndex: partition, timestamp }] }],
    })
    const offset = Number(found!.partitions[0]!.offset)
    return offset === -1 ? undefined : offset
  })
}

async function boundsOf(admin: Admin, names: readonly string[]): Promise<readonly Bounds[]> {
  const { topics } = await admin.metadata({ topics: [...names] })
  const listed = (timestamp: bigint) =>
    admin.listOffsets({
      topics: names.map((name) => ({
        name,
        partitions: Array.from({ length: topics.get(name)!.partitionsCount }, (_, index) => ({
          ...{ partitionIndex: index, timestamp },
        })),
      })),
    })
  if (names.length === 0) return []
  const [starts, ends] = await Promise.all([listed(atStart), listed(atEnd)])
  const headOf = new Map(offsetsOf(ends).map(({ place, offset }) => [place, offset]))
  return offsetsOf(starts)
    .map(({ place, topic, partition, offset: first }) => {
      return { topic, partition, first, head: headOf.get(place) ?? first }
    })
    .toSorted((one, other) => {
      return one.topic.localeCompare(other.topic) || one.partition - other.partition
    })
}

function offsetsOf(listed: Awaited<ReturnType<Admin['listOffsets']>>) {
  return listed.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex: partition, offset }) => ({
      ...{ place: placeName('', name, partition), topic: name, partition, offset: Number(offset) },
    })),
  )
}

async function committedBy(
  admin: Admin,
  groups: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const listed = await admin.listConsumerGroupOffsets({ groups: [...groups] })
  return new Map(
    listed.flatMap(({ groupId, topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions.flatMap(({ partitionIndex, committedOffset }): [string, number][] =>
          committedOffset < 0n
            ? []
            : [[placeName(groupId, name, partitionIndex), Number(committedOffset)]],
        ),
      ),
    ),
  )
}

function placeName(group: string, topic: string, partition: number): string {
  return `${group} ${topic} ${partition}`
}
