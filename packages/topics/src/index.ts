export { outboxAppend, type PartitionCounts, partitionOf, topicMigrations } from './append.ts'
export {
  type GroupPartition,
  listPositions,
  type Position,
  resetPosition,
} from './position-store.ts'
export { type OutboxRetention, sweepOutbox } from './retention.ts'
export type { ConsumeOptions, Delivered, Transport } from './transport.ts'
