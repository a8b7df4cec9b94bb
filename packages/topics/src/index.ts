export { outboxAppend, type PartitionCounts, partitionOf, topicMigrations } from './append.ts'
export { commandMessage, commandOfMessage } from './command-message.ts'
export { type Consumer, type ConsumerOptions, startConsumer } from './consumer.ts'
export { databaseIdentity } from './database-identity-store.ts'
export {
  type PostgresDeadLettersOptions,
  postgresDeadLetters,
} from './dead-letter-postgres-store.ts'
export {
  type DeadLetter,
  type DeadLetters,
  type LetterFilter,
  type LetterKey,
  letterId,
  type Parking,
  type Reason,
  reasons,
  type Standing,
} from './dead-letters.ts'
export { memoryDeadLetters } from './dead-letters-memory.ts'
export {
  bodyBytesMax,
  MessageTooLarge,
  type Received,
  readMessage,
  type Unreadable,
} from './envelope.ts'
export { type Judged, judgeFor } from './judge.ts'
export type { ConsumerObserver, MessageFate, ServiceObserver } from './observer.ts'
export { deliveredOf, type OutboxRow } from './outbox-store.ts'
export {
  findForgotten,
  type GroupPartition,
  listPositions,
  type Position,
  resetPosition,
} from './position-store.ts'
export { makeReaction, messageReactedTo, reactionKey } from './reaction.ts'
export { type Relay, type RelayOptions, relayGroup, startRelay } from './relay.ts'
export { databaseSweeps, type Retention, sweepOutbox } from './retention.ts'
export {
  type Catalogue,
  carries,
  type DeclaredType,
  declaredTypes,
  type Reading,
  reactsTo,
  type Subscription,
} from './subscription.ts'
export { findTopicFaults, type TopicFault } from './topic-fault-store.ts'
export type { ConsumeOptions, Delivered, Transport } from './transport.ts'
