import { topics as topicNames } from '@semel/contracts/catalogue'
import { kafkaSettings, readSettings, StartError, topicSettings } from '@semel/runtime'
import { kafkaConnectionOf, topicFaults, topicsWanted } from '@semel/runtime/service'
import {
  createTopics,
  KafkaNotAllowed,
  KafkaNotSupported,
  KafkaUnavailable,
  type TopicFound,
} from '@semel/topics/kafka'
import { Type } from 'typebox'
import { OperatorError, usageError } from './operator-error.ts'
import { jsonOf, tableOf } from './print.ts'

const schema = Type.Object({ ...kafkaSettings, ...topicSettings })

/** How topics are asked for. */
export type TopicsCreateOptions = Readonly<{
  /** On how many brokers each partition is. */
  replication: number
  json: boolean
}>

/**
 * Makes the topics that Kafka does not have, and tells in what the others are not as they were
 * wanted; alters none. Safe to repeat.
 *
 * @throws {ConfigError | StartError | OperatorError} what a user can mend; `topics-unsuitable`, when
 * one that is there must not stay as it is.
 */
export async function createTopicsInKafka(
  env: Readonly<Record<string, string | undefined>>,
  { replication, json }: TopicsCreateOptions,
): Promise<string> {
  const settings = readSettings(schema, env)
  const connection = await kafkaConnectionOf(settings)
  if (connection === undefined) {
    throw usageError('KAFKA_BROKERS is not set: it says where the topics are to be made')
  }
  const wanted = topicsWanted({ settings, topicNames })
  const found = await createTopics({ ...connection, ...wanted, replication }).catch((error) => {
    const brokers = connection.brokers.join(', ')
    if (error instanceof KafkaNotAllowed || error instanceof KafkaNotSupported) {
      const message = `Kafka at ${brokers} refuses (${error.message}); check what begins with KAFKA_`
      throw new StartError('kafka-refuses', message, { cause: error })
    }
    if (!(error instanceof KafkaUnavailable)) throw error
    const message = `Kafka at ${brokers} cannot be asked (${error.message}); check KAFKA_BROKERS`
    throw new OperatorError('kafka-away', message, { cause: error })
  })
  const faults = topicFaults(found)
  if (faults.length > 0) {
    throw new OperatorError(
      'topics-unsuitable',
      `topics are there that must not stay as they are, and were not altered: ${faults.join('; ')}`,
    )
  }
  return json ? jsonOf(found) : tableOf(['topic', 'state', 'differs'], found.map(rowOf))
}

function rowOf({ name, state, differences }: TopicFound): readonly string[] {
  const differs = differences.map(({ of, wanted, found }) => `${of} ${found}, not ${wanted}`)
  return [name, state, differs.join('; ')]
}
