import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import * as catalogue from '@semel/contracts/catalogue'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { type ServiceObserver, topicMigrations } from '@semel/topics'
import { type Topics, takePart } from '@semel/topics/take-part'
import { type EntryCommand, type EntryState, entryDecider } from './entry.ts'
import { requestEnded, requestParked, requestSeen } from './reactions.ts'
import { replayRoute } from './replays.ts'
import { entrySweep } from './retention.ts'
import { messageQueries } from './routes.ts'
import { entryRepository, messageMigrations } from './sql.ts'
import { subscriptions } from './subscriptions.ts'

export { subscriptions } from './subscriptions.ts'

/** What has to be in the database before {@link createMessages}. */
export const migrations: readonly MigrationSet[] = [
  commandMigrations,
  topicMigrations,
  messageMigrations,
]

/**
 * The registry is the one reader that hears of every request, and whoever asks it is told to come
 * again in a second: it may take its time, in batches several times as large.
 */
const batchIntervalMs = 100

type MessageServiceOptions = ServiceOptions<EntryState, EntryCommand, Tx>

/** What the service is made with. */
export type MessagesOptions = Readonly<{
  pool: Pool
  /** What carries topics to it, and what it tells. Default: nothing is read. */
  topics?: Topics
  /**
   * What executors that look up answers here have to know, at least 32 bytes. Default: there is
   * nobody who does, and no address for it.
   */
  sealSecret?: string | undefined
  /** Told of every error that callers are told nothing of. Default: nobody is. */
  report?: (error: unknown) => void
  /** Told what it does, to be counted. Default: nobody is. */
  observe?: ServiceObserver | undefined
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<MessageServiceOptions>
}>

/** The registry of messages: what it answers, and how it ends. It is filled by topics alone. */
export function createMessages(options: MessagesOptions): Service {
  const { pool, topics, sealSecret, report, observe, executor } = options
  const db = queryable(pool)
  return createService({
    name: 'messages',
    store: postgresStore(pool),
    repository: entryRepository,
    decider: entryDecider,
    contracts: [],
    reactions: [requestEnded, requestSeen, requestParked],
    queries: messageQueries(db),
    internalRoutes: sealSecret === undefined ? [] : [replayRoute(db, sealSecret)],
    ...takePart({
      ...{ pool, topics, group: 'messages', subscriptions, catalogue, report, observe },
      batchIntervalMs,
    }),
    sweeps: [entrySweep(pool, { rememberedMs: topics?.rememberedMs })],
    report,
    observe,
    ...executor,
  })
}
