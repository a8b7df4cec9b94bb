import type { ConnectionOptions } from 'node:tls'
import type { BaseOptions, Consumer } from '@platformatic/kafka'
import { TopicUnknown } from './kafka-failures.ts'

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
  /** As brokers see this process. Default `semel`. */
  clientId?: string
  /**
   * What names in Kafka begin with, which others may use, too: topic `order` is then called
   * `<prefix>_order_1_0_pu`, group `orders` `<prefix>_orders`. Default: topics and groups are called
   * there what they are called here.
   */
  prefix?: string
}>

/**
 * How many partitions topics have. It is not tried again: who asks says so, and asks again.
 *
 * @throws {TopicUnknown}
 */
export async function countsOf(
  client: Pick<Consumer, 'metadata'>,
  topics: ReadonlySet<string>,
): Promise<ReadonlyMap<string, number>> {
  try {
    const metadata = await client.metadata({ topics: [...topics], retries: 0 })
    return new Map([...metadata.topics].map(([name, topic]) => [name, topic.partitionsCount]))
  } catch (error) {
    const unknown = /^Unknown topic (.*)\.$/.exec((error as Error).message)?.[1]
    throw unknown === undefined ? error : new TopicUnknown([unknown], error)
  }
}

/** For a broker that takes connections and says nothing, nobody waits longer, in milliseconds. */
const requestTimeoutMs = 5000

/** How each client is told of it. */
export function clientOptions(options: KafkaConnection): BaseOptions {
  const { brokers, tls, sasl, clientId = 'semel' } = options
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    autocreateTopics: false,
    requestTimeout: requestTimeoutMs,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}
