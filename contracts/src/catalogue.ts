import type { AnyCommandContract, AnyEventContract, AnyQueryContract } from '@semel/contract'
import { chargeDecided, deposit, getAccount, listEntries, openAccount } from './billing.ts'
import {
  commandTopics,
  deadLetteredOn,
  getMessage,
  listMessages,
  messageAnswered,
} from './messages.ts'
import { listNotifications } from './notifications.ts'
import {
  cancelOrder,
  chargeWanted,
  getOrder,
  listOrders,
  notificationWanted,
  placeOrder,
  updateOrder,
} from './orders.ts'

export { commands } from './commands.ts'

/** Every event that services tell each other. A message of any other type is a dead letter. */
export const events: readonly AnyEventContract[] = [
  chargeWanted,
  chargeDecided,
  notificationWanted,
  messageAnswered,
  ...commandTopics.map(deadLetteredOn),
]

/** The entities that have a topic; letters of `<topic>_dead` that nobody reads are not listed. */
export const topics: readonly string[] = [...new Set(events.map(({ topic }) => topic))].sort()

/** What a service can be asked over HTTP. */
export type Owned = Readonly<{
  commands: readonly AnyCommandContract[]
  queries: readonly AnyQueryContract[]
}>

/** Who answers what: every command and query there is, by the service that owns it. */
export const owners = {
  orders: { commands: [placeOrder, updateOrder, cancelOrder], queries: [getOrder, listOrders] },
  billing: { commands: [openAccount, deposit], queries: [getAccount, listEntries] },
  notifications: { commands: [], queries: [listNotifications] },
  messages: { commands: [], queries: [getMessage, listMessages] },
} as const satisfies Readonly<Record<string, Owned>>
