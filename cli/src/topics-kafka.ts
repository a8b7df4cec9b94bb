import { retentionOf } from '@semel/runtime'
import {
  type KafkaConnection,
  type KafkaPosition,
  listKafkaPositions,
  positionSince,
  resetKafkaPositions,
} from '@semel/topics/kafka'
import type { CliConfig } from './config.ts'
import { operateKafka } from './kafka-operate.ts'
import { groups } from './readings.ts'
import { type Positions, type ResetOptions, resetWith } from './topics-reset.ts'

const readings = groups.map(({ group, subscriptions }) => ({
  group,
  topics: [...new Set(subscriptions.map(({ topic }) => topic))],
}))

/** How far every service has read its topics in Kafka. */
export function positionsInKafka(config: CliConfig): Promise<readonly KafkaPosition[]> {
  return operateKafka(config, (connection) => listKafkaPositions(connection, readings))
}

/** Lets a service that does not run read its topics in Kafka again from a position. */
export function resetInKafka(options: ResetOptions, config: CliConfig): Promise<string> {
  return operateKafka(config, (connection) => resetWith(options, config, inKafka(connection)))
}

function inKafka(connection: KafkaConnection): Positions {
  return {
    known: () => listKafkaPositions(connection, readings),
    async forgotten({ topic, partition, head }, from, config) {
      const since = new Date(Date.now() - retentionOf(config).rememberedMs)
      const remembered = await positionSince(connection, { topic, partition, since })
      if (from >= (remembered ?? head)) return undefined
      return { position: from, told: `before ${since.toISOString()}` }
    },
    async reset(moves) {
      for (const ofOne of Map.groupBy(moves, ({ topic, to }) => `${topic} ${to}`).values()) {
        const { group, topic, to } = ofOne[0]!
        const partitions = ofOne.map(({ partition }) => partition)
        await resetKafkaPositions(connection, { group, topic, partitions, to })
      }
      return moves
    },
    next: 'It begins there when it is started;',
  }
}
