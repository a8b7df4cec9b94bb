import { type KafkaSettings, StartError } from '@semel/runtime'
import { kafkaConnectionOf } from '@semel/runtime/service'
import {
  GroupRuns,
  type KafkaConnection,
  KafkaNotAllowed,
  KafkaNotSupported,
  KafkaUnavailable,
} from '@semel/topics/kafka'
import { OperatorError, usageError } from './operator-error.ts'

/**
 * Does something with the Kafka of KAFKA_BROKERS.
 *
 * @throws {StartError | OperatorError} what a user can mend.
 */
export async function operateKafka<T>(
  settings: KafkaSettings,
  work: (connection: KafkaConnection) => Promise<T>,
): Promise<T> {
  const connection = await kafkaConnectionOf(settings)
  if (connection === undefined) {
    throw usageError('KAFKA_BROKERS is not set: it says where Kafka is')
  }
  try {
    return await work(connection)
  } catch (error) {
    throw mendable(error, connection.brokers.join(', '))
  }
}

function mendable(error: unknown, brokers: string): unknown {
  if (error instanceof GroupRuns) {
    const message = `${error.group} still runs: stop it, then reset; nothing was changed`
    return new OperatorError('usage', message, { cause: error })
  }
  if (error instanceof KafkaNotAllowed || error instanceof KafkaNotSupported) {
    const message = `Kafka at ${brokers} refuses (${error.message}); check what begins with KAFKA_`
    return new StartError('kafka-refuses', message, { cause: error })
  }
  if (!(error instanceof KafkaUnavailable)) return error
  const message = `Kafka at ${brokers} cannot be asked (${error.message}); check KAFKA_BROKERS`
  return new StartError('kafka-away', message, { cause: error, mayCome: true })
}
