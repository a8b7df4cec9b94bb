import type { AccountState } from '@semel/billing/account'
import type { Command, CommandRecord, Message } from '@semel/commands'
import type { RegisteredEntry } from '@semel/messages/entry'
import type { StoredNotification } from '@semel/notifications/notification'
import type { PlacedOrder } from '@semel/orders/order'
import type { DeadLetter, Delivered } from '@semel/topics'
import type { Reply } from './service-process.ts'
import type { ServiceName } from './services.ts'

/** What a client was told: by the service itself, or by the gateway that took it. */
export type Told = Reply | Readonly<{ kind: 'taken'; guid: string }>

/** One request of a client, and what it was told. */
export type Attempt = Readonly<{
  service: 'orders' | 'billing'
  /** As the client meant it, whatever was made of it on the way. */
  command: Command
  way: 'at-once' | 'by-topic'
  isLenient: boolean
  /** Asked after everything had settled. */
  isAskedAgain: boolean
  told: Told
}>

/** What one service is left with. */
export type ServiceEnd = Readonly<{
  /** Every command that was ever decided, by its id: those that the log has forgotten too. */
  records: ReadonlyMap<string, CommandRecord>
  messages: readonly Message[]
  letters: readonly DeadLetter[]
  /** Letters that an operator discarded: these messages were never decided. */
  unsent: number
}>

/** What a schedule ends with: all that the invariants are about. */
export type End = Readonly<{
  attempts: readonly Attempt[]
  services: Readonly<Record<ServiceName, ServiceEnd>>
  /** What was carried, by topic and partition, in its order. */
  carried: readonly (readonly Delivered[])[]
  orders: readonly PlacedOrder[]
  accounts: readonly AccountState[]
  notifications: readonly StoredNotification[]
  entries: readonly RegisteredEntry[]
  /** Everything came to rest within the bound. */
  isSettled: boolean
}>
