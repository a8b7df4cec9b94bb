import { setTimeout as delay } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { clientOptions, type KafkaConnection } from './kafka-connection.ts'
import { usualKeptMs } from './retention.ts'

/** A topic as it is wanted. */
export type TopicWanted = Readonly<{ topic: string; partitions: number }>

/** What became of a topic that was wanted. */
export type TopicFound = Readonly<{
  topic: string
  isNew: boolean
  /** In what it differs from what was wanted. Nobody changes it: that is for an operator. */
  differences: readonly Readonly<{ of: string; wanted: string; found: string }>[]
}>

/** How topics are made. */
export type TopicOptions = KafkaConnection &
  Readonly<{
    topics: readonly TopicWanted[]
    /** On how many brokers each partition is. Default 1. */
    replication?: number
    /** How long messages are kept, in milliseconds. Default seven days. */
    keptMs?: number
  }>

/** What a topic must take at least: the largest body, and an envelope. */
const recordBytesMax = 2 * 2 ** 20
const topicResource = 2
const visibleMaxMs = 10_000
const visibleLookMs = 50

/**
 * Makes the topics that are not there yet, and compares those that are with what is wanted:
 * partitions, replicas, how long and how large. What is there is never altered.
 */
export async function createTopics(options: TopicOptions): Promise<readonly TopicFound[]> {
  const { topics, replication = 1, keptMs = usualKeptMs } = options
  const admin = new Admin(clientOptions(options))
  const configs = {
    'cleanup.policy': 'delete',
    'retention.ms': `${keptMs}`,
    'max.message.bytes': `${recordBytesMax}`,
    'min.insync.replicas': `${Math.max(1, replication - 1)}`,
  }
  try {
    const there = new Set(await admin.listTopics())
    const missing = topics.filter(({ topic }) => !there.has(topic))
    for (const [partitions, all] of Map.groupBy(missing, (one) => one.partitions)) {
      await admin.createTopics({
        ...{ topics: all.map(({ topic }) => topic), partitions, replicas: replication },
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })
    }
    await untilThere(admin, missing)
    const found = await Promise.all(
      topics
        .filter(({ topic }) => there.has(topic))
        .map(async (one): Promise<TopicFound> => {
          const wanted = { partitions: `${one.partitions}`, replicas: `${replication}`, ...configs }
          const is = await describe(admin, one.topic, Object.keys(configs))
          const differences = Object.entries(wanted)
            .map(([of, value]) => ({ of, wanted: value, found: is.get(of) ?? 'nothing' }))
            .filter((each) => !isAsWanted(each))
          return { topic: one.topic, isNew: false, differences }
        }),
    )
    return [...missing.map(({ topic }) => ({ topic, isNew: true, differences: [] })), ...found]
  } finally {
    await admin.close()
  }
}

/** Brokers hear a moment later than the controller of what it has made. */
async function untilThere(admin: Admin, made: readonly TopicWanted[]): Promise<void> {
  const deadline = performance.now() + visibleMaxMs
  for (;;) {
    const there = new Set(await admin.listTopics())
    if (made.every(({ topic }) => there.has(topic))) return
    if (performance.now() > deadline)
      throw new Error('Kafka has made topics, and does not show them')
    await delay(visibleLookMs)
  }
}

function isAsWanted({ of, wanted, found }: TopicFound['differences'][number]): boolean {
  return of === 'max.message.bytes' ? Number(found) >= Number(wanted) : found === wanted
}

async function describe(
  admin: Admin,
  topic: string,
  configurationKeys: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const metadata = await admin.metadata({ topics: [topic] })
  const { partitions, partitionsCount } = metadata.topics.get(topic)!
  const resource = { resourceType: topicResource, resourceName: topic }
  const [described] = await admin.describeConfigs({
    resources: [{ ...resource, configurationKeys: [...configurationKeys] }],
  } as Parameters<Admin['describeConfigs']>[0])
  return new Map([
    ['partitions', `${partitionsCount}`],
    ['replicas', `${partitions[0]!.replicas.length}`],
    ...described!.configs.map(({ name, value }): [string, string | null] => [name, value ?? null]),
  ])
}
