import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { type EntryCommand, type EntryState, entryDecider } from './entry.ts'
import { requestAnswered, requestParked, requestSeen } from './reactions.ts'
import { messageQueries } from './routes.ts'
import { entryRepository, messageMigrations } from './sql.ts'

/** What has to be in the database before {@link createMessages}. */
export const migrations: readonly MigrationSet[] = [commandMigrations, messageMigrations]

type MessageServiceOptions = ServiceOptions<EntryState, EntryCommand, Tx>

/** What the service is made with. */
export type MessagesOptions = Readonly<{
  pool: Pool
  retention?: MessageServiceOptions['retention']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<MessageServiceOptions>
}>

/** The registry of messages: what it answers, and how it ends. It is filled by topics alone. */
export function createMessages({ pool, retention, executor }: MessagesOptions): Service {
  return createService({
    name: 'messages',
    store: postgresStore(pool),
    repository: entryRepository,
    decider: entryDecider,
    contracts: [],
    reactions: [requestAnswered, requestSeen, requestParked],
    queries: messageQueries(queryable(pool)),
    ...(retention === undefined ? {} : { retention }),
    ...executor,
  })
}
