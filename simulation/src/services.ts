import { type AccountState, accountDecider, type BillingCommand } from '@semel/billing/account'
import { takeCharge } from '@semel/billing/charge'
import { subscriptions as billingReads } from '@semel/billing/subscriptions'
import type { Command, Decider, Message, Repository } from '@semel/commands'
import {
  type MemoryDatabase,
  type MemoryTx,
  memoryDatabase,
  memoryRepository,
} from '@semel/commands/memory'
import type { AnyOperationContract } from '@semel/contract'
import { deposit, openAccount } from '@semel/contracts/billing'
import { announceAll } from '@semel/contracts/messages'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { type EntryCommand, type EntryState, entryDecider } from '@semel/messages/entry'
import { requestEnded, requestParked, requestSeen } from '@semel/messages/reactions'
import { subscriptions as messagesRead } from '@semel/messages/subscriptions'
import {
  type NotificationCommand,
  type NotificationState,
  notificationDecider,
  storeNotification,
  subjectOf,
} from '@semel/notifications/notification'
import { subscriptions as notificationsRead } from '@semel/notifications/subscriptions'
import { type OrderCommand, type OrderState, orderDecider, settleOrder } from '@semel/orders/order'
import { subscriptions as ordersRead } from '@semel/orders/subscriptions'
import type { Subscription } from '@semel/topics'

export const serviceNames = ['orders', 'billing', 'notifications', 'messages'] as const
export type ServiceName = (typeof serviceNames)[number]

/** A decider and its repository; of which state they are is nobody else's business. */
export type AnyDecider = Decider<unknown, Command>
export type AnyRepository = Repository<unknown, Command, MemoryTx>

/** What one service is made of: production's decider, contracts and subscriptions. */
export type ServiceParts = Readonly<{
  name: ServiceName
  decider: AnyDecider
  repository: AnyRepository
  contracts: readonly AnyOperationContract[]
  subscriptions: readonly Subscription[]
  announce: typeof announceAll | undefined
}>

/** A database: it outlives every process. */
export type Database = MemoryDatabase &
  Readonly<{
    /** Whose it is: the tables are each service's own, command log and outbox are shared. */
    services: readonly ServiceName[]
    /** Told, not yet known to be sent: what the relay goes on with after a crash. */
    outbox: { taken: number; left: Message[] }
    /** Records of events that retention has dropped from the command log. */
    forgotten: Map<string, unknown>
  }>

export function makeDatabase(services: readonly ServiceName[]): Database {
  return { ...memoryDatabase(), services, outbox: { taken: 0, left: [] }, forgotten: new Map() }
}

/** The four services as `service.ts` of each makes them, on tables in memory. */
export function makeServices(): readonly ServiceParts[] {
  let numbers = 0
  const nextNumber = () => {
    numbers += 1
    return numbers
  }
  return [orders(nextNumber), billing(), notifications(nextNumber), messages()]
}

function orders(nextNumber: () => number): ServiceParts {
  return parts<OrderState, OrderCommand>({
    name: 'orders',
    decider: orderDecider('EUR'),
    repository: memoryRepository(
      'orders',
      ({ id }) => id,
      (id) => ({ status: 'absent', id, number: nextNumber() }),
    ),
    contracts: [placeOrder, updateOrder, cancelOrder, settleOrder],
    subscriptions: ordersRead,
    announce: announceAll,
  })
}

function billing(): ServiceParts {
  return parts<AccountState, BillingCommand>({
    name: 'billing',
    decider: accountDecider('EUR'),
    repository: memoryRepository(
      'accounts',
      ({ userId }) => userId,
      (userId) => ({ status: 'absent', userId, charges: new Map(), storedAs: 'nothing' }),
    ),
    contracts: [openAccount, deposit, takeCharge],
    subscriptions: billingReads,
    announce: announceAll,
  })
}

function notifications(nextNumber: () => number): ServiceParts {
  return parts<NotificationState, NotificationCommand>({
    name: 'notifications',
    decider: notificationDecider,
    repository: memoryRepository(
      'notifications',
      ({ orderId, orderVersion }) => `${orderId} ${orderVersion}`,
      (id) => ({ status: 'absent', ...subjectOf(id), number: nextNumber() }),
    ),
    contracts: [storeNotification],
    subscriptions: notificationsRead,
    announce: undefined,
  })
}

function messages(): ServiceParts {
  return parts<EntryState, EntryCommand>({
    name: 'messages',
    decider: entryDecider,
    repository: memoryRepository(
      'messages',
      ({ guid }) => guid,
      (guid) => ({ state: 'absent', guid }),
    ),
    contracts: [requestEnded, requestSeen, requestParked],
    subscriptions: messagesRead,
    announce: undefined,
  })
}

type Typed<State, C extends Command> = Omit<ServiceParts, 'decider' | 'repository'> &
  Readonly<{ decider: Decider<State, C>; repository: Repository<State, C, MemoryTx> }>

/** Services get only commands of their contracts, and only states of their tables. */
function parts<State, C extends Command>(typed: Typed<State, C>): ServiceParts {
  return typed as unknown as ServiceParts
}
