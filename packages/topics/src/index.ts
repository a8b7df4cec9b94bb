export { outboxAppend, type PartitionCounts, partitionOf, topicMigrations } from './append.ts'
export type { ConsumeOptions, Delivered, Transport } from './transport.ts'
