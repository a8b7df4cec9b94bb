import { Consumer, findErrorBy } from '@platformatic/kafka'
import { assignPartitions, nameOf, type TopicPartition } from './assign-partitions.ts'
import { clientOptions, countsOf, type KafkaConnection } from './kafka-connection.ts'
import type { GroupClient, Offset } from './kafka-consumer.ts'
import { GroupTaken, MessagesGone } from './kafka-failures.ts'
import { protocolOf } from './kafka-owners.ts'
import type { Stretch } from './kafka-partition.ts'
import { limitTo } from './limit.ts'

type AnyConsumer = Consumer<Buffer, Buffer, Buffer, Buffer>
/** Which topic a stretch is of: another one may have got its name. */
type Found = Offset & Stretch & Readonly<{ topicId: string }>
/** The topic that a partition's positions are of, since its reading began. */
type TopicIds = Map<string, string>
type Fetched = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]
type Assigner = NonNullable<
  Extract<
    ConstructorParameters<typeof Consumer>[0],
    { partitionAssigner?: unknown }
  >['partitionAssigner']
>

const stretchBytesMax = 2 ** 20
const sessionTimeoutMs = 10_000
const heartbeatMs = 500
const controlBit = 1 << 5

/** What a member of a group is made with. */
type GroupOptions = Readonly<{
  connection: KafkaConnection & Readonly<{ owner?: string }>
  /** As Kafka calls them. */
  group: string
  topics: readonly string[]
  /** Called when partitions were shared out, or are to be. */
  onAssigned: () => void
  report: (error: unknown) => void
}>

/**
 * The member, the reader of pages and the watch have connections of their own: a broker answers
 * the requests of one connection one after the other, and a watch takes its time.
 */
export function openGroup(options: GroupOptions): GroupClient {
  const { connection, group, topics, onAssigned, report } = options
  const member: Consumer = new Consumer({
    ...clientOptions(connection),
    ...memberOptions(group, connection.owner),
    protocolsMetadata: () => Buffer.from(JSON.stringify(ownedBy(member))),
  })
  const [pages, watch] = [0, 1].map(() => {
    const client = new Consumer({ ...clientOptions(connection), groupId: group, retries: 0 })
    client.topics.trackAll(...topics)
    return client
  }) as [Consumer, Consumer]
  member.topics.trackAll(...topics)
  let isLost = true
  const lose = () => {
    isLost = true
    onAssigned()
  }
  member.on('error', lose)
  member.on('consumer:heartbeat:stalled', lose)
  member.on('consumer:group:join', onAssigned)
  // A fetch session of the client is for one request at a time.
  const inTurn = limitTo(1)
  const ids: TopicIds = new Map()
  return {
    // The member by itself would try again in silence.
    partitionCounts: () => countsOf(pages, new Set(topics)),
    async join() {
      await member.joinGroup({}).catch((error) => {
        const isTaken = findErrorBy(error as Error, 'apiId', 'INCONSISTENT_GROUP_PROTOCOL')
        throw isTaken === null ? error : new GroupTaken(group, error)
      })
      isLost = false
    },
    isLost: () => isLost,
    assigned: () => ownedBy(member),
    committed(of) {
      for (const at of of) ids.delete(nameOf(at))
      return committedOf(member, of)
    },
    commit: (offsets) =>
      member.commit({
        offsets: offsets.map(({ topic, partition, position }) => ({
          ...{ topic, partition, offset: BigInt(position), leaderEpoch: -1 },
        })),
      }),
    fetch: (at, from) => inTurn(() => fetchPage(pages, at, from, { ids, report })),
    async watch(from, waitMs) {
      try {
        const found = await fetchFrom(watch, from, waitMs)
        return found.map((one) => (isOfTopicRead(ids, one) ? one : asIfNew(one)))
      } catch (error) {
        if (findErrorBy(error as Error, 'code', 'PLT_KFK_RESPONSE') === null) throw error
        return from.map(asIfNew)
      }
    },
    async close() {
      await Promise.all([member, pages, watch].map((client) => client.close(true)))
    },
  }
}

/**
 * The classic protocol, with a sharing of our own: under the newer one (KIP-848) this client takes
 * part by its streams alone, which hold back all partitions where one is to wait.
 */
function memberOptions(group: string, owner = '') {
  return {
    groupId: group,
    autocommit: false,
    // The client tries within tries, and keeps the error of each: these are some seconds in all. A
    // member that has given up is lost, and joins anew.
    ...{ retries: 2, retryDelay: 250 },
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    heartbeatStallTimeout: 2 * sessionTimeoutMs,
    // Who joins waits for all others to join again.
    requestTimeout: 2 * sessionTimeoutMs,
    protocols: [{ name: protocolOf(owner), version: 1 }],
    partitionAssigner: shareOut,
  }
}

const shareOut: Assigner = (_current, members, _topics, metadata) => {
  const partitions = [...metadata.topics].flatMap(([topic, { partitionsCount }]) =>
    Array.from({ length: partitionsCount }, (_, partition) => ({ topic, partition })),
  )
  const asked = [...members.values()].map(({ memberId, topics = [], metadata: owned }) => ({
    ...{ id: memberId, topics, owned: ownedFrom(owned) },
  }))
  return [...assignPartitions(asked, partitions)].map(([memberId, given]) => ({
    memberId,
    assignments: new Map(
      [...Map.groupBy(given, ({ topic }) => topic)].map(([topic, of]) => [
        topic,
        { topic, partitions: of.map(({ partition }) => partition) },
      ]),
    ),
  }))
}

/** What a member says that it reads: nothing, where it says something else. */
function ownedFrom(text: Buffer | string | null | undefined): readonly TopicPartition[] {
  if (!text?.length) return []
  return JSON.parse(text.toString()) as readonly TopicPartition[]
}

function ownedBy({ assignments }: AnyConsumer): readonly TopicPartition[] {
  return (assignments ?? []).flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

async function committedOf(
  member: AnyConsumer,
  of: readonly TopicPartition[],
): Promise<readonly Offset[]> {
  const topics = [...Map.groupBy(of, ({ topic }) => topic)].map(([topic, all]) => ({
    topic,
    partitions: all.map(({ partition }) => partition),
  }))
  const known = await member.listCommittedOffsets({ topics })
  return of.map(({ topic, partition }) => {
    const position = Number(known.get(topic)?.[partition] ?? -1)
    return { topic, partition, position: Math.max(0, position) }
  })
}

async function fetchPage(
  client: AnyConsumer,
  at: TopicPartition,
  position: number,
  { ids, report }: Readonly<{ ids: TopicIds; report: (error: unknown) => void }>,
): Promise<Stretch> {
  const fetchAt = async (from: number) =>
    (await fetchFrom(client, [{ ...at, position: from }], 0))[0]
  try {
    const found = await fetchAt(position)
    if (found === undefined) return nothingAt(position)
    if (isOfTopicRead(ids, found)) {
      ids.set(nameOf(at), found.topicId)
      return found
    }
  } catch (error) {
    if (!findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE')) throw error
  }
  const { topic, partition } = at
  const asked = { topics: [topic], partitions: { [topic]: [partition] }, timestamp: -2n }
  const first = Number((await client.listOffsets(asked)).get(topic)![partition])
  // Who has never read begins at the first one that there still is.
  if (position > 0) {
    report(new MessagesGone(`${topic}/${partition} has no ${position}: it goes on at ${first}`))
  }
  const found = await fetchAt(first)
  if (found === undefined) return nothingAt(first)
  ids.set(nameOf(at), found.topicId)
  return found
}

function nothingAt(position: number): Stretch {
  return { from: position, records: [], next: position, end: position }
}

/** Positions in a topic that was deleted say nothing of one that was made again. */
function isOfTopicRead(ids: TopicIds, found: Found): boolean {
  return (ids.get(nameOf(found)) ?? found.topicId) === found.topicId
}

/** Of those that were asked for together, one is the cause of a failure: each finds out itself. */
function asIfNew(one: Offset): TopicPartition & Stretch {
  return { ...one, from: one.position, records: [], next: one.position, end: one.position + 1 }
}

/** What lies behind positions; nothing of those where nothing is new. */
async function fetchFrom(
  client: AnyConsumer,
  wanted: readonly Offset[],
  maxWaitTime: number,
): Promise<readonly Found[]> {
  try {
    const { topics } = await client.metadata({ topics: [...client.topics.current] })
    const leaderOf = ({ topic, partition }: Offset) => {
      const leader = topics.get(topic)?.partitions[partition]?.leader
      if (leader === undefined) throw new MessagesGone(`${topic} has no partition ${partition}`)
      return leader
    }
    const names = new Map([...topics].map(([topic, { id }]) => [id, topic]))
    const fetched = [...Map.groupBy(wanted, leaderOf)].map(async ([node, of]) => {
      const asked = [...Map.groupBy(of, ({ topic }) => topic)].map(([topic, all]) => ({
        topicId: topics.get(topic)!.id,
        partitions: all.map(({ partition, position }) => ({
          ...{ partition, currentLeaderEpoch: -1, fetchOffset: BigInt(position) },
          ...{ lastFetchedEpoch: -1, partitionMaxBytes: stretchBytesMax },
        })),
      }))
      const maxBytes = stretchBytesMax * of.length
      // Uncommitted: nobody writes in transactions; one that hangs would hold readers back.
      const limits = { minBytes: 1, maxBytes, maxWaitTime, isolationLevel: 0 }
      const { responses } = await client.fetch({ node, topics: asked, ...limits })
      return responses.flatMap(({ topicId, partitions }) => {
        const topic = names.get(topicId)!
        return partitions.flatMap((found) => {
          const from = of.find(
            (one) => one.topic === topic && one.partition === found.partitionIndex,
          )
          return from === undefined
            ? []
            : [{ ...from, topicId, ...stretchOf(from.position, found) }]
        })
      })
    })
    return (await Promise.all(fetched)).flat()
  } catch (error) {
    client.clearMetadata()
    throw error
  }
}

function stretchOf(from: number, { records, highWatermark }: Fetched): Stretch {
  const batches = records ?? []
  const last = batches.at(-1)
  return {
    from,
    records: batches
      .filter(({ attributes }) => (attributes & controlBit) === 0)
      .flatMap(({ firstOffset, records: all }) =>
        all.map(({ offsetDelta, key, value, headers }) => ({
          ...{ position: Number(firstOffset) + offsetDelta, key, value, headers },
        })),
      ),
    next: last === undefined ? from : Number(last.firstOffset) + last.lastOffsetDelta + 1,
    end: Number(highWatermark),
  }
}
