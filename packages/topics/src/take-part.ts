import type { Executor, Message, Sweep } from '@semel/commands'
import type { Pool, Tx } from '@semel/postgres'
import { outboxAppend } from './append.ts'
import { startConsumer } from './consumer.ts'
import { postgresDeadLetters } from './dead-letter-postgres-store.ts'
import type { PostgresTransport } from './postgres-transport.ts'
import { type Catalogue, declaredTypes, type Subscription } from './subscription.ts'

/** Who takes part in topics, and by what. */
export type TakePartOptions = Readonly<{
  /** The service's own database: its dead letters are kept there. */
  pool: Pool
  /** What carries topics. Undefined: what is told goes to the outbox, and nothing is read. */
  topics: PostgresTransport | undefined
  /** The service's name. */
  group: string
  subscriptions: readonly Subscription[]
  /** Every contract that there is: what none of them declares is a dead letter. */
  catalogue: Catalogue
  /** How far apart batches begin under load, in milliseconds; see `ConsumeOptions`. Default 0. */
  batchIntervalMs?: number
  /** Told of every error that is tried again. Default: nobody is. */
  report?: ((error: unknown) => void) | undefined
}>

/** What a service is made with, besides, to take part in topics. */
export type Participation = Readonly<{
  append: (tx: Tx, messages: readonly Message[]) => Promise<void>
  told?: (messages: readonly Message[]) => void
  consume?: (executor: Executor<Tx>) => Readonly<{ stop(): Promise<void> }>
  /** None: the command log is swept with the outbox that its commands tell to. */
  sweeps?: readonly Sweep[]
}>

/** Lets a service tell on topics and read them: to be spread into what `createService` gets. */
export function takePart(options: TakePartOptions): Participation {
  const { pool, topics, group, subscriptions, catalogue, report, batchIntervalMs = 0 } = options
  if (topics === undefined) return { append: outboxAppend() }
  const { append, told } = topics
  return {
    append,
    told,
    sweeps: [],
    consume: (executor) =>
      startConsumer({
        ...{ transport: topics, group, subscriptions, executor, report },
        declared: declaredTypes(catalogue),
        batchIntervalMs,
        deadLetters: postgresDeadLetters({ pool, append, told }),
      }),
  }
}
