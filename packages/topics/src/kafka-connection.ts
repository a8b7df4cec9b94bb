import type { ConnectionOptions } from 'node:tls'
import type { BaseOptions, Consumer } from '@platformatic/kafka'
import {
  failureOf,
  isClosed,
  KafkaNotAllowed,
  KafkaNotSupported,
  mayBeNotAllowed,
  TopicUnknown,
} from './kafka-failures.ts'

/** How brokers are reached. */
export type KafkaConnection = Readonly<{
  /** Some of the brokers, each as `host:port`; they name the others. */
  brokers: readonly string[]
  /** Default: no TLS. */
  tls?: ConnectionOptions
  /** Default: no password. */
  sasl?: Readonly<{
    mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    username: string
    password: string
  }>
  /**
   * What names in Kafka begin with, which others may use, too: topic `order` is then called
   * `<prefix>_order_1_0_pu`, group `orders` `<prefix>_orders`. Default: topics and groups are
   * called there what they are called here.
   */
  prefix?: string
}>

/** A client that asks once: whoever uses it tries again, and says so. */
export type Asking = Pick<Consumer, 'metadata' | 'listApis'>

/** How long a broker may take to answer: it waits 5 s for the others of a partition. */
const requestTimeoutMs = 6000
/** Since Apache Kafka 3.1. */
const fetchVersionMin = 13
const checked = new WeakSet<Asking>()

/**
 * How many partitions topics have. It is not tried again: who asks says so, and asks again.
 *
 * @throws {TopicUnknown} Or what `failureOf` makes.
 */
export async function countsOf(
  client: Asking,
  topics: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  try {
    return await askForCounts(client, topics)
  } catch (error) {
    if (!(await isToBeAskedAgain(client, error))) throw error
    return await askForCounts(client, topics).catch((again) => {
      throw mayBeNotAllowed(again) || isClosed(again) ? new KafkaNotAllowed(again) : again
    })
  }
}

async function askForCounts(client: Asking, topics: ReadonlySet<string>) {
  try {
    await checkVersions(client)
    const metadata = await client.metadata({ topics: [...topics] })
    return new Map([...metadata.topics].map(([name, topic]) => [name, topic.partitionsCount]))
  } catch (error) {
    const unknown = /^Unknown topic (.*)\.$/.exec((error as Error).message)?.[1]
    throw unknown === undefined ? failureOf(error) : new TopicUnknown(unknown, error)
  }
}

/** Of brokers that name partitions by their topics' names, the client reads nothing. */
async function checkVersions(client: Asking): Promise<void> {
  if (checked.has(client)) return
  const fetch = (await client.listApis()).find(({ name }) => name === 'Fetch')
  if (fetch === undefined || fetch.maxVersion < fetchVersionMin) {
    throw new KafkaNotSupported(new Error(`Fetch ends at version ${fetch?.maxVersion}`))
  }
  checked.add(client)
}

/**
 * A broker that wants credentials tells its versions, and closes at any question. It also closes a
 * connection that has rested, or when it dies: a new connection shows the difference.
 */
async function isToBeAskedAgain(client: Asking, error: unknown): Promise<boolean> {
  if (mayBeNotAllowed(error)) return true
  if (!isClosed(error)) return false
  return await client.listApis().then(
    () => true,
    () => false,
  )
}

/** How each client is told of it. */
export function clientOptions(options: KafkaConnection): BaseOptions {
  const { brokers, tls, sasl } = options
  return {
    clientId: 'semel',
    bootstrapBrokers: [...brokers],
    autocreateTopics: false,
    requestTimeout: requestTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}
