export { outboxAppend, type PartitionCounts, partitionOf, topicMigrations } from './append.ts'
