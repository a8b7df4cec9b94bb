import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import * as catalogue from '@semel/contracts/catalogue'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { type ServiceObserver, topicMigrations } from '@semel/topics'
import { type Topics, takePart } from '@semel/topics/take-part'
import { startMail } from './mail.ts'
import type { Mailer } from './mailer.ts'
import {
  type NotificationCommand,
  type NotificationState,
  notificationDecider,
  storeNotification,
} from './notification.ts'
import { notificationQueries } from './routes.ts'
import { notificationMigrations, notificationRepository } from './sql.ts'
import { subscriptions } from './subscriptions.ts'

export { findNotificationFaults } from './sql.ts'
export { subscriptions } from './subscriptions.ts'

/** What has to be in the database before {@link createNotifications}. */
export const migrations: readonly MigrationSet[] = [
  commandMigrations,
  topicMigrations,
  notificationMigrations,
]

type NotificationServiceOptions = ServiceOptions<NotificationState, NotificationCommand, Tx>

/** What the service is made with. */
export type NotificationsOptions = Readonly<{
  pool: Pool
  /** What carries topics to it, and what it tells. Default: nothing is read. */
  topics?: Topics
  /** Sends each notification by mail. Default: none is sent. */
  mailer?: Mailer | undefined
  /** Told of every error that callers are told nothing of. Default: nobody is. */
  report?: (error: unknown) => void
  /** Told what it does, to be counted. Default: nobody is. */
  observe?: ServiceObserver | undefined
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<NotificationServiceOptions>
}>

/** The notification service: what it answers, and how it ends. It takes commands by topic alone. */
export function createNotifications(options: NotificationsOptions): Service {
  const { pool, topics, report, observe, mailer, executor } = options
  const service = createService({
    name: 'notifications',
    store: postgresStore(pool),
    repository: notificationRepository,
    decider: notificationDecider,
    contracts: [],
    reactions: [storeNotification],
    queries: notificationQueries(queryable(pool)),
    ...takePart({
      pool,
      topics,
      group: 'notifications',
      subscriptions,
      catalogue,
      report,
      observe,
    }),
    report,
    observe,
    ...executor,
  })
  if (mailer === undefined) return service
  const mail = startMail({ pool, mailer, report })
  return {
    ...service,
    async stop() {
      await Promise.all([mail.stop(), service.stop()])
    },
  }
}
