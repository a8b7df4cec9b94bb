import { findImbalances } from '@semel/billing'
import { findNotificationFaults } from '@semel/notifications'
import { findOrderFaults } from '@semel/orders'
import type { Queryable } from '@semel/postgres'
import { findTopicFaults } from '@semel/topics'
import { type ServiceName, serviceNames } from '../tables-store.ts'
import { type CountedTable, type CrossCheck, countRows, type Fault, findFaults } from './sql.ts'
import { checkReadMessages, type Found } from './streams.ts'

/** The invariants of the design that checks are about. */
export type Invariant = 'I1' | 'I3' | 'I6' | 'I7' | 'I9' | 'I10'

/** Something that must hold of live data, and how that is looked at. */
export type Check = Readonly<{
  /** Stable: programs may rely on it. */
  name: string
  invariant: Invariant
  /** What holds, in a sentence without its full stop. */
  promise: string
  /** What `checked` counts. */
  unit: string
  /** Whose tables it reads, besides those of commands and topics: without them it cannot be run. */
  services: readonly ServiceName[]
  /** Who reads the outbox that it looks at: where none of them does, it would find nothing. */
  readers?: readonly ServiceName[]
  run(db: Queryable, faultsMax: number): Promise<Found>
}>

/** Every check, in the order in which they are run and shown. */
export const checks: readonly Check[] = [
  owned('outbox-whole', {
    invariant: 'I6',
    promise: 'positions have no gaps, end at their heads, and nobody has read beyond them',
    tables: ['outbox'],
    services: [],
    unit: 'messages',
    find: async (db, limit) => (await findTopicFaults(db, limit)).map(inWords),
  }),
  across('messages-have-commands', {
    invariant: 'I6',
    promise: 'every message of a service was told by a command that was decided with it',
    tables: ['outbox'],
    services: [],
    unit: 'messages',
  }),
  across('messages-told-once', {
    invariant: 'I6',
    promise: 'no message of a service was told twice',
    tables: ['outbox'],
    services: [],
    unit: 'messages',
  }),
  across('placed-orders-exist', {
    invariant: 'I6',
    promise: 'every order that a client was told of exists',
    tables: ['orders'],
    services: ['orders'],
    unit: 'orders',
  }),
  across('deposits-have-entries', {
    invariant: 'I6',
    promise: 'every deposit that was answered has its entry, and no entry is without a command',
    tables: ['entries'],
    services: ['billing'],
    unit: 'entries',
  }),
  {
    name: 'read-messages-decided',
    invariant: 'I7',
    promise: 'every message that a group has read was decided by it, or is its dead letter',
    unit: 'messages read',
    services: [],
    readers: serviceNames,
    run: checkReadMessages,
  },
  across('commands-once', {
    invariant: 'I9',
    promise: 'no key was decided twice, and no message twice by one consumer',
    tables: ['commands'],
    services: [],
    unit: 'commands',
  }),
  owned('notifications-once', {
    invariant: 'I9',
    promise: 'a version of an order has one notification, under a number of its own',
    tables: ['notifications'],
    services: ['notifications'],
    unit: 'notifications',
    find: findNotificationFaults,
  }),
  owned('accounts-balanced', {
    invariant: 'I10',
    promise: 'balances are the sums of their entries, and orders hold what was decided',
    tables: ['accounts', 'decisions'],
    services: ['billing'],
    unit: 'accounts and decisions',
    find: async (db, limit) => (await findImbalances(db, limit)).map(inWords),
  }),
  owned('orders-total', {
    invariant: 'I10',
    promise: 'the total of an order is the sum of its lines',
    tables: ['orders'],
    services: ['orders'],
    unit: 'orders',
    find: findOrderFaults,
  }),
  across('orders-have-decisions', {
    invariant: 'I10',
    promise: 'the current version of every order is decided by billing, or on its way there',
    tables: ['orders'],
    services: ['orders', 'billing'],
    unit: 'orders',
  }),
  across('orders-as-decided', {
    invariant: 'I10',
    promise: 'every order is what billing decided about its current version, or about to be told',
    tables: ['orders'],
    services: ['orders', 'billing'],
    unit: 'orders',
  }),
  across('orders-notified', {
    invariant: 'I10',
    promise: 'the user of every settled order was told so, or is about to be',
    tables: ['orders'],
    services: ['orders', 'notifications'],
    unit: 'orders',
  }),
  across('notifications-have-decisions', {
    invariant: 'I10',
    promise: 'nobody was told anything that billing did not decide',
    tables: ['notifications'],
    services: ['notifications', 'billing'],
    unit: 'notifications',
  }),
  across('requests-registered', {
    invariant: 'I3',
    promise:
      'the registry has the end of every request that a topic carried, or whose end was told',
    tables: ['messages'],
    services: ['messages'],
    readers: ['messages'],
    unit: 'requests',
  }),
]

/** `tables`: those whose rows are counted. */
type About = Omit<Check, 'name' | 'run'> & Readonly<{ tables: readonly CountedTable[] }>

function owned(
  name: string,
  {
    find,
    tables,
    ...about
  }: About & { find(db: Queryable, limit: number): Promise<readonly Fault[]> },
): Check {
  return {
    name,
    ...about,
    async run(db, faultsMax) {
      const faults = await find(db, faultsMax)
      const counts = await Promise.all(tables.map((table) => countRows(db, table)))
      return { checked: counts.reduce((sum, count) => sum + count, 0), faults }
    },
  }
}

function inWords({ what, id, ...rest }: Fault & { what: string }): Fault {
  return { id: `${what} ${id}`, ...rest }
}

function across(name: CrossCheck, about: About): Check {
  return owned(name, { ...about, find: (db, limit) => findFaults(db, name, limit) })
}
