import type { Executor, Message, Sweep } from '@semel/commands'
import type { Pool, Tx } from '@semel/postgres'
import { outboxAppend } from './append.ts'
import { startConsumer } from './consumer.ts'
import { postgresDeadLetters } from './dead-letter-postgres-store.ts'
import type { ConsumerObserver } from './observer.ts'
import type { PostgresTransport } from './postgres-transport.ts'
import { type Catalogue, declaredTypes, type Subscription } from './subscription.ts'

/** What services take part in topics by: an outbox to tell to, and a transport to read. */
export type Topics = Pick<PostgresTransport, 'append' | 'told' | 'consume' | 'rememberedMs'> &
  Readonly<{
    /** Whether what is told may still wait to be read. Default: always. */
    mayTell?: () => boolean
  }>

/** Who takes part in topics, and by what. */
export type TakePartOptions = Readonly<{
  /** The service's own database: its dead letters are kept there. */
  pool: Pool
  /** What carries topics. Undefined: what is told goes to the outbox, and nothing is read. */
  topics: Topics | undefined
  /** The service's name. */
  group: string
  subscriptions: readonly Subscription[]
  /** Every contract that there is: what none of them declares is a dead letter. */
  catalogue: Catalogue
  /** How far apart batches begin under load, in milliseconds; see `ConsumeOptions`. Default 0. */
  batchIntervalMs?: number
  /** Told of every error that is tried again. Default: nobody is. */
  report?: ((error: unknown) => void) | undefined
  /** Told what its consumer does, to be counted. Default: nobody is. */
  observe?: ConsumerObserver | undefined
}>

/** What a service is made with, besides, to take part in topics. */
export type Participation = Readonly<{
  append: (tx: Tx, messages: readonly Message[]) => Promise<void>
  told?: (messages: readonly Message[]) => void
  mayTell?: (() => boolean) | undefined
  consume?: (executor: Executor<Tx>) => Readonly<{ stop(): Promise<void> }>
  /** None: the command log is swept with the outbox that its commands tell to. */
  sweeps?: readonly Sweep[]
}>

/** Lets a service tell on topics and read them: to be spread into what `createService` gets. */
export function takePart(options: TakePartOptions): Participation {
  const {
    pool,
    topics,
    group,
    subscriptions,
    catalogue,
    report,
    observe,
    batchIntervalMs = 0,
  } = options
  if (topics === undefined) return { append: outboxAppend() }
  const { append, told, mayTell } = topics
  return {
    ...{ append, told, mayTell },
    sweeps: [],
    consume: (executor) =>
      startConsumer({
        ...{ transport: topics, group, subscriptions, executor, report, observe },
        declared: declaredTypes(catalogue),
        batchIntervalMs,
        deadLetters: postgresDeadLetters({ pool, append, told }),
      }),
  }
}
