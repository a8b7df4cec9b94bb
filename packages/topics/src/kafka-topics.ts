import { setTimeout as delay } from 'node:timers/promises'
import { type Admin, findErrorBy } from '@platformatic/kafka'
import { usualRememberedMs } from '@semel/commands'
import { withAdmin } from './kafka-admin.ts'
import type { KafkaConnection } from './kafka-connection.ts'
import { KafkaUnavailable } from './kafka-failures.ts'
import { kafkaNames } from './kafka-names.ts'
import { usualKeptMs } from './retention.ts'

/** A topic as it is wanted. */
export type TopicWanted = Readonly<{ topic: string; partitions: number }>

/** In what a topic is not as it was wanted. Nobody changes it: that is for an operator. */
export type TopicDifference = Readonly<{
  of: string
  wanted: string
  found: string
  /** What would come of it, and what to do; undefined where it does no harm. */
  harm?: string
}>

/** A topic that was wanted. */
export type TopicFound = Readonly<{
  topic: string
  /** What it is called in Kafka. */
  name: string
  /** `new`: it was made just now. */
  state: 'new' | 'there' | 'missing'
  differences: readonly TopicDifference[]
}>

/** How topics are to be. */
export type TopicOptions = KafkaConnection &
  Readonly<{
    topics: readonly TopicWanted[]
    /** On how many brokers each partition is. Default 1. */
    replication?: number
    /** How long messages are kept, in milliseconds. Default seven days. */
    keptMs?: number
    /** How long their readers remember commands, in milliseconds. Default 30 days. */
    rememberedMs?: number
  }>

/** What a topic must take at least: the largest body, and an envelope. */
const recordBytesMax = 2 * 2 ** 20
const topicResource = 2
const visibleMaxMs = 10_000
const visibleLookMs = 50
const dayMs = 24 * 60 * 60 * 1000

/**
 * Makes the topics that are not there yet, and compares those that are with what is wanted:
 * partitions, replicas, how long and how large. What is there is never altered. Safe to repeat, and
 * at once.
 *
 * @throws {KafkaUnavailable}
 * @throws {KafkaNotAllowed}
 * @throws {KafkaNotSupported}
 */
export async function createTopics(options: TopicOptions): Promise<readonly TopicFound[]> {
  return withAdmin(options, async (admin) => {
    const missing = (await compare(admin, options)).filter(({ state }) => state === 'missing')
    await makeTopics(admin, options, new Set(missing.map(({ name }) => name)))
    await untilThere(admin, missing)
    const made = new Set(missing.map(({ name }) => name))
    const found = await compare(admin, options)
    return found.map((one) => (made.has(one.name) ? { ...one, state: 'new' as const } : one))
  })
}

/** Compares topics with what is wanted, and makes none. Throws as `createTopics` does. */
export async function inspectTopics(options: TopicOptions): Promise<readonly TopicFound[]> {
  return withAdmin(options, (admin) => compare(admin, options))
}

async function makeTopics(admin: Admin, options: TopicOptions, missing: ReadonlySet<string>) {
  const { topics, replication = 1, prefix } = options
  const { topic: nameOf } = kafkaNames(prefix)
  const configs = Object.entries(configsOf(options)).map(([name, value]) => ({ name, value }))
  const wanted = topics.map(({ topic, partitions }) => ({ name: nameOf(topic), partitions }))
  for (const { name, partitions } of wanted.filter(({ name }) => missing.has(name))) {
    await admin
      .createTopics({ topics: [name], partitions, replicas: replication, configs })
      .catch((error) => {
        // Somebody else was as quick.
        if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error
      })
  }
}

async function compare(admin: Admin, options: TopicOptions): Promise<readonly TopicFound[]> {
  const { topics, replication = 1, prefix } = options
  const { topic: nameOf } = kafkaNames(prefix)
  const configs = configsOf(options)
  const there = new Set(await admin.listTopics())
  return Promise.all(
    topics.map(async ({ topic, partitions }): Promise<TopicFound> => {
      const name = nameOf(topic)
      if (!there.has(name)) return { topic, name, state: 'missing', differences: [] }
      const wanted = { partitions: `${partitions}`, replicas: `${replication}`, ...configs }
      const found = await describe(admin, name, Object.keys(configs))
      const differences = Object.entries(wanted)
        .map(([of, value]) => ({ of, wanted: value, found: found.get(of) ?? 'nothing' }))
        .filter((each) => !isAsWanted(each))
        .map((each) => ({ ...each, ...harmOf(each, options) }))
      return { topic, name, state: 'there', differences }
    }),
  )
}

function configsOf({ replication = 1, keptMs = usualKeptMs }: TopicOptions) {
  return {
    'cleanup.policy': 'delete',
    'retention.ms': `${keptMs}`,
    'max.message.bytes': `${recordBytesMax}`,
    'min.insync.replicas': `${Math.max(1, replication - 1)}`,
  }
}

/** What differs in partitions or replicas, or is kept for less long, is an operator's choice. */
function harmOf(
  { of, found }: TopicDifference,
  { rememberedMs = usualRememberedMs }: TopicOptions,
): { harm?: string } {
  if (of === 'cleanup.policy') {
    return { harm: 'messages would be dropped while later ones of their key are kept: set delete' }
  }
  if (of === 'max.message.bytes') {
    return { harm: `a message that is larger would hold up all behind it: set ${recordBytesMax}` }
  }
  const keptMs = found === '-1' ? Infinity : Number(found)
  if (of !== 'retention.ms' || keptMs < rememberedMs) return {}
  const days = rememberedMs / dayMs
  return {
    harm: `messages could come again when commands are forgotten: set less than ${days} days`,
  }
}

/** Brokers hear a moment later than the controller of what it has made. */
async function untilThere(admin: Admin, made: readonly TopicFound[]): Promise<void> {
  const deadline = performance.now() + visibleMaxMs
  for (;;) {
    const there = new Set(await admin.listTopics())
    if (made.every(({ name }) => there.has(name))) return
    if (performance.now() > deadline) {
      throw new KafkaUnavailable('none', new Error('it has made topics, and does not show them'))
    }
    await delay(visibleLookMs)
  }
}

function isAsWanted({ of, wanted, found }: TopicDifference): boolean {
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
