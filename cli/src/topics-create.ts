import { topics as topicNames } from '@semel/contracts/catalogue'
import { kafkaSettings, readSettings, topicSettings } from '@semel/runtime'
import { topicFaults, topicsWanted } from '@semel/runtime/service'
import { createTopics, type TopicFound } from '@semel/topics/kafka'
import { Type } from 'typebox'
import { operateKafka } from './kafka-operate.ts'
import { OperatorError } from './operator-error.ts'
import { jsonOf, tableOf } from './print.ts'
import { waitingUpTo } from './wait.ts'

/** What `semel topics create` is configured by. */
export const topicsCreateSchema = Type.Object({ ...kafkaSettings, ...topicSettings })

/** How topics are asked for. */
export type TopicsCreateOptions = Readonly<{
  /** On how many brokers each partition is. */
  replication: number
  /** How long to wait for a Kafka that is not there yet, in seconds. */
  wait: number
  json: boolean
}>

/**
 * Makes the topics that Kafka does not have, and tells in what the others are not as they were
 * wanted; alters none. Safe to repeat.
 *
 * @throws {ConfigError | StartError | OperatorError} what a user can mend; `topics-unsuitable`,
 * where one that is there must not stay as it is.
 */
export async function createTopicsInKafka(
  env: Readonly<Record<string, string | undefined>>,
  { replication, wait, json }: TopicsCreateOptions,
): Promise<string> {
  const settings = readSettings(topicsCreateSchema, env)
  const wanted = topicsWanted({ settings, topicNames })
  const found = await waitingUpTo(wait)(() =>
    operateKafka(settings, (connection) => createTopics({ ...connection, ...wanted, replication })),
  )
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
