import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import {
  type NotificationCommand,
  type NotificationState,
  notificationDecider,
} from './notification.ts'
import { notificationQueries } from './routes.ts'
import { notificationMigrations, notificationRepository } from './sql.ts'
import { wanted } from './subscriptions.ts'

/** What has to be in the database before {@link createNotifications}. */
export const migrations: readonly MigrationSet[] = [commandMigrations, notificationMigrations]

type NotificationServiceOptions = ServiceOptions<NotificationState, NotificationCommand, Tx>

/** What the service is made with. */
export type NotificationsOptions = Readonly<{
  pool: Pool
  retention?: NotificationServiceOptions['retention']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<NotificationServiceOptions>
}>

/** The notification service: what it answers, and how it ends. It takes commands by topic alone. */
export function createNotifications(options: NotificationsOptions): Service {
  const { pool, retention, executor } = options
  return createService({
    name: 'notifications',
    store: postgresStore(pool),
    repository: notificationRepository,
    decider: notificationDecider,
    contracts: [],
    reactions: [wanted],
    queries: notificationQueries(queryable(pool)),
    ...(retention === undefined ? {} : { retention }),
    ...executor,
  })
}
