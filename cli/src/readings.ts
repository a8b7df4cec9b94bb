import { subscriptions as ofBilling } from '@semel/billing'
import * as catalogue from '@semel/contracts/catalogue'
import { subscriptions as ofMessages } from '@semel/messages'
import { subscriptions as ofNotifications } from '@semel/notifications'
import { subscriptions as ofOrders } from '@semel/orders'
import {
  type Delivered,
  declaredTypes,
  type Judged,
  judgeFor,
  type Subscription,
} from '@semel/topics'

/** Every group, in the order in which a command usually meets them, with what it subscribes to. */
export const groups: readonly Readonly<{
  group: string
  subscriptions: readonly Subscription[]
}>[] = [
  { group: 'orders', subscriptions: ofOrders },
  { group: 'billing', subscriptions: ofBilling },
  { group: 'notifications', subscriptions: ofNotifications },
  { group: 'messages', subscriptions: ofMessages },
]

const declared = declaredTypes(catalogue)
const judges = new Map(
  groups.map(({ group, subscriptions }) => [group, judgeFor(group, subscriptions, declared)]),
)

/** What a group is to do about a message, by the very function that its consumer judges with. */
export function judgedBy(group: string, message: Delivered): Judged {
  return judges.get(group)!(message)
}

/** The group that decides an operation of clients; undefined for one that is none. */
export function deciderOf(operation: string): string | undefined {
  const command = catalogue.commands.find((one) => one.operation === operation)
  if (command === undefined) return undefined
  return groups.find(
    ({ group, subscriptions }) =>
      group !== 'messages' &&
      subscriptions.some(({ topic, type }) => topic === command.topic && type === operation),
  )?.group
}

/** The groups that subscribe to a type of message, or that would park it. */
export function readersOf(topic: string): readonly string[] {
  return groups
    .filter(({ subscriptions }) => subscriptions.some((one) => one.topic === topic))
    .map(({ group }) => group)
}
