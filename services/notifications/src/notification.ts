import { accept, type CommandOf, type Decider, type Decision } from '@semel/commands'
import { reaction } from '@semel/contract'
import type { NotificationKind } from '@semel/contracts/notifications'
import { notificationWanted } from '@semel/contracts/orders'

/** A notification that does not exist yet, and the number it would get. */
export type AbsentNotification = Readonly<{
  status: 'absent'
  orderId: string
  orderVersion: number
  number: number
}>

/** What a user was told. It never changes. */
export type StoredNotification = Readonly<{
  status: 'stored'
  id: string
  number: number
  orderId: string
  orderVersion: number
  userId: string
  kind: NotificationKind
  text: string
  createdAt: Date
}>

export type NotificationState = AbsentNotification | StoredNotification

/** What notifications do about what orders want told. */
export const storeNotification = reaction(notificationWanted)

export type NotificationCommand = CommandOf<typeof storeNotification>

/**
 * Stores one notification for each version of an order: the first that is asked for. Whoever asks
 * again, under whatever message id, finds it stored, and changes nothing.
 */
export const notificationDecider: Decider<NotificationState, NotificationCommand> = {
  aggregateId: ({ input: { orderId, orderVersion } }) => `${orderId} ${orderVersion}`,
  decide(notification, command): Decision<NotificationState> {
    if (notification.status === 'stored') return accept(notification, {})
    const { orderId, orderVersion, userId, kind } = command.input
    const { number } = notification
    const stored: StoredNotification = {
      status: 'stored',
      id: command.id,
      number,
      ...{ orderId, orderVersion, userId, kind },
      text: notificationText(command.input),
      createdAt: command.receivedAt,
    }
    return accept(stored, {})
  },
}

/** The version of an order that an aggregate's id names. */
export function subjectOf(aggregateId: string): { orderId: string; orderVersion: number } {
  const [orderId, version] = aggregateId.split(' ')
  return { orderId: orderId!, orderVersion: Number(version) }
}

/** What a user is told, in a sentence. */
export function notificationText(wanted: NotificationCommand['input']): string {
  const amount = amountText(wanted.total, wanted.currency)
  return wanted.kind === 'happiness'
    ? `Order ${wanted.number} is paid: ${amount}.`
    : `Order ${wanted.number} is declined: your account does not cover ${amount}.`
}

/** Minor units as people write them, to the last digit: a division would round large amounts. */
function amountText(total: number, currency: string): string {
  const digits = minorDigitsOf(currency)
  const units = String(total).padStart(digits + 1, '0')
  const point = units.length - digits
  const minor = digits === 0 ? '' : `.${units.slice(point)}`
  return `${units.slice(0, point)}${minor} ${currency}`
}

const knownDigits = new Map<string, number>()

/** Digits behind the point, by ISO 4217; asking costs 20 µs, and there is one currency. */
function minorDigitsOf(currency: string): number {
  const known = knownDigits.get(currency)
  if (known !== undefined) return known
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  knownDigits.set(currency, digits)
  return digits
}

/** A notification as callers see it. */
export function notificationView(notification: StoredNotification) {
  const { id, orderId, orderVersion, userId, kind, text, createdAt } = notification
  return { id, orderId, orderVersion, userId, kind, text, createdAt: createdAt.toISOString() }
}
