import { subscriptions as ofBilling } from '@semel/billing'
import { commandId, serviceScope } from '@semel/commands'
import { commands, events } from '@semel/contracts/catalogue'
import { subscriptions as ofMessages } from '@semel/messages'
import { subscriptions as ofNotifications } from '@semel/notifications'
import { subscriptions as ofOrders } from '@semel/orders'
import {
  type Delivered,
  declaredTypes,
  reactionKey,
  readMessage,
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

const declared = new Set(
  declaredTypes({ commands, events }).map(({ topic, type }) => `${topic}/${type}`),
)
const readBy = new Map(
  groups.flatMap(({ group, subscriptions }) =>
    subscriptions.map((one): [string, Subscription] => [`${group}/${one.topic}/${one.type}`, one]),
  ),
)

/** What a message comes to for a group. */
export type GroupReading =
  /** Nothing: it is no matter of the group's. */
  | Readonly<{ kind: 'none' }>
  /** This command; or a dead letter, if it could not be decided. */
  | Readonly<{ kind: 'command'; commandId: string }>
  /** A dead letter, in any case. */
  | Readonly<{ kind: 'letter' }>

/** What a group does about a message, by the very subscriptions that its consumer runs. */
export function readingOf(group: string, message: Delivered): GroupReading {
  const { topic, type = '' } = message
  const subscription = readBy.get(`${group}/${topic}/${type}`)
  if (subscription === undefined) {
    return declared.has(`${topic}/${type}`) ? { kind: 'none' } : { kind: 'letter' }
  }
  const received = readMessage(message)
  if ('reason' in received) return { kind: 'letter' }
  const reading = subscription.toCommand(received, group)
  if (reading.kind === 'skip') return { kind: 'none' }
  if (reading.kind !== 'violated') return { kind: 'command', commandId: reading.command.id }
  // An earlier, laxer release may have decided it: its command is known by the message alone.
  const { source, id } = received
  return {
    kind: 'command',
    commandId: commandId(serviceScope(source), type, reactionKey(group, id)),
  }
}

/** The group that decides an operation of clients; undefined for one that is none. */
export function deciderOf(operation: string): string | undefined {
  const command = commands.find((one) => one.operation === operation)
  if (command === undefined) return undefined
  return groups.find(({ group }) => group !== 'messages' && readBy.has(nameIn(group, command)))
    ?.group
}

/** The groups that subscribe to a type of message, or that would park it. */
export function readersOf(topic: string): readonly string[] {
  return groups
    .filter(({ subscriptions }) => subscriptions.some((one) => one.topic === topic))
    .map(({ group }) => group)
}

function nameIn(group: string, command: { topic?: string | undefined; operation: string }): string {
  return `${group}/${command.topic}/${command.operation}`
}
