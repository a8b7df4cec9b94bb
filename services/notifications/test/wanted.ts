import { createExecutor, type Executor, makeCommand, serviceScope } from '@semel/commands'
import {
  type MemoryDatabase,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import { postgresStore } from '@semel/commands/postgres'
import type { Pool } from '@semel/postgres'
import {
  type NotificationCommand,
  type NotificationState,
  notificationDecider,
  storeNotification,
  subjectOf,
} from '../src/notification.ts'
import { notificationRepository } from '../src/sql.ts'

export const ann = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
export const bob = '5d2f9b63-7a1c-4a1f-8e1b-3a9f6a7e8d21'

/** The id of the n-th order of a test. */
export function orderId(order: number): string {
  return `0193d5a1-6f00-7000-8000-${String(order).padStart(12, '0')}`
}

/** What orders wants told, carried by the n-th message. */
export function wantedBy(
  message: number,
  about: Partial<NotificationCommand['input']> & { order: number; version?: number },
): NotificationCommand {
  const { order, version = 1, ...rest } = about
  return makeCommand(storeNotification, {
    scope: serviceScope('orders'),
    key: `0193d5a1-6f00-8000-8000-${String(message).padStart(12, '0')}`,
    receivedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, message)),
    input: {
      ...{ orderId: orderId(order), orderVersion: version, userId: ann, kind: 'happiness' },
      ...{ total: 900, currency: 'EUR', number: 1000 + order },
      ...rest,
    },
  })
}

/** An executor of the service on a database. */
export function postgresExecutor(pool: Pool): Executor {
  const rest = { decider: notificationDecider, contracts: [storeNotification] }
  return createExecutor({ store: postgresStore(pool), repository: notificationRepository, ...rest })
}

/** An executor of the service on a database in memory. */
export function memoryNotifications(): { executor: Executor; database: MemoryDatabase } {
  const database = memoryDatabase()
  let numbers = 0
  const repository = memoryRepository<NotificationState, NotificationCommand>(
    'notifications',
    ({ orderId, orderVersion }) => `${orderId} ${orderVersion}`,
    (id) => {
      numbers += 1
      return { status: 'absent', ...subjectOf(id), number: numbers }
    },
  )
  const rest = { decider: notificationDecider, contracts: [storeNotification] }
  return {
    executor: createExecutor({ store: memoryStore(database), repository, ...rest }),
    database,
  }
}

/** Has a batch decided as its topic carried it, and expects that all of it is done. */
export async function carry(
  executor: Executor,
  commands: readonly NotificationCommand[],
): Promise<void> {
  const carried = commands.map((command) => ({ command, partitionKey: command.input.userId }))
  const outcomes = await executor.submitCarried(carried)
  const left = outcomes.filter(({ kind }) => kind !== 'decided' && kind !== 'known')
  if (left.length > 0) throw new Error(`not done: ${JSON.stringify(left)}`)
}
