import {
  accept,
  type Command,
  type CommandOf,
  type Decider,
  type Decision,
  type Fingerprint,
  mayActFor,
  refuse,
  type Scope,
  sameInput,
} from '@semel/commands'
import { reaction, tell } from '@semel/contract'
import { chargeDecided } from '@semel/contracts/billing'
import {
  type cancelOrder,
  chargeWanted,
  notificationWanted,
  type OrderLine,
  type OrderStatus,
  orderTag,
  type placeOrder,
  type updateOrder,
} from '@semel/contracts/orders'

/** What orders do about what billing decided: an order is paid, or it is declined. */
export const settleOrder = reaction(chargeDecided)

/** An order that does not exist yet, and the number it would get. */
export type AbsentOrder = Readonly<{ status: 'absent'; id: string; number: number }>

/** An order as it stands. */
export type PlacedOrder = Readonly<{
  id: string
  number: number
  userId: string
  lines: readonly OrderLine[]
  total: number
  currency: string
  status: OrderStatus
  version: number
  createdAt: Date
  updatedAt: Date
  createdFrom: Fingerprint
  /** What the database held when it was loaded; undefined if nothing. */
  stored: Pick<PlacedOrder, 'version' | 'status'> | undefined
}>

export type OrderState = AbsentOrder | PlacedOrder

export type OrderCommand = CommandOf<
  typeof placeOrder | typeof updateOrder | typeof cancelOrder | typeof settleOrder
>

/** Decides what happens to orders, in one currency. */
export function orderDecider(currency: string): Decider<OrderState, OrderCommand> {
  return {
    aggregateId: orderIdOf,
    decide(order, command) {
      switch (command.operation) {
        case 'place-order':
          return place(order, command, currency)
        case 'update-order':
          return update(order, command)
        case 'cancel-order':
          return cancel(order, command)
        case 'charge-decided':
          return settle(order, command)
      }
    },
  }
}

/** The order that a command is about: the id that the client made, or the command's own. */
export function orderIdOf(command: OrderCommand): string {
  if (command.operation === 'charge-decided') return command.input.orderId
  return command.operation === 'place-order' ? (command.input.id ?? command.id) : command.input.id
}

/** An order as callers see it. */
export function orderView(order: PlacedOrder) {
  const { id, number, userId, lines, total, currency, status, version } = order
  return {
    id,
    number,
    userId,
    lines,
    total,
    currency,
    status,
    version,
    createdAt: order.createdAt.toISOString(),
    updatedAt: order.updatedAt.toISOString(),
  }
}

function place(
  order: OrderState,
  command: CommandOf<typeof placeOrder>,
  currency: string,
): Decision<OrderState> {
  if (order.status !== 'absent') return placedBefore(order, command)
  const { userId, lines } = command.input
  const total = totalOf(lines)
  if (total === undefined) return refuse(order, 'total-too-large')
  const placed: PlacedOrder = {
    id: order.id,
    number: order.number,
    userId,
    lines: linesOf(lines),
    total,
    currency,
    status: 'pending',
    version: 1,
    createdAt: command.receivedAt,
    updatedAt: command.receivedAt,
    createdFrom: command.fingerprint,
    stored: undefined,
  }
  return accept(placed, orderView(placed), [charge(placed, placed.total)])
}

/** The id is taken: by the very order that is asked for (under another key), or by another. */
function placedBefore(
  order: PlacedOrder,
  command: CommandOf<typeof placeOrder>,
): Decision<OrderState> {
  if (!mayActFor(command.scope, order.userId)) return refuse(order, 'already-exists')
  if (sameInput(command, order.createdFrom)) return accept(order, orderView(order), [], 200)
  return refuse(order, 'already-exists', {}, { location: `/orders/${order.id}` })
}

function update(order: OrderState, command: CommandOf<typeof updateOrder>): Decision<OrderState> {
  if (!isVisible(order, command.scope)) return refuse(order, 'order-unknown')
  if (order.status === 'cancelled') return refuse(order, 'order-cancelled')
  const stale = staleness(order, command)
  if (stale !== undefined) return stale
  const { lines } = command.input
  const total = totalOf(lines)
  if (total === undefined) return refuse(order, 'total-too-large')
  const updated: PlacedOrder = {
    ...order,
    lines: linesOf(lines),
    total,
    status: 'pending',
    version: order.version + 1,
    updatedAt: command.receivedAt,
  }
  const body = { ...orderView(updated), message: 'order updated' }
  return accept(updated, body, [charge(updated, updated.total)])
}

function cancel(order: OrderState, command: CommandOf<typeof cancelOrder>): Decision<OrderState> {
  if (!isVisible(order, command.scope)) return refuse(order, 'order-unknown')
  if (order.status === 'cancelled') return accept(order, orderView(order))
  const stale = staleness(order, command)
  if (stale !== undefined) return stale
  const cancelled: PlacedOrder = {
    ...order,
    status: 'cancelled',
    version: order.version + 1,
    updatedAt: command.receivedAt,
  }
  return accept(cancelled, orderView(cancelled), [charge(cancelled, 0)])
}

/**
 * A decision about another version than the current one is about an order that is no longer wanted:
 * it changes nothing, and nobody is told. Once settled, or cancelled, a version stays as it is. The
 * version is not raised, so a payment never makes an edit stale.
 */
function settle(
  order: OrderState,
  { input, receivedAt }: CommandOf<typeof settleOrder>,
): Decision<OrderState> {
  if (order.status !== 'pending' || input.version !== order.version) return accept(order, {})
  const settled: PlacedOrder = { ...order, status: input.outcome, updatedAt: receivedAt }
  return accept(settled, {}, [notification(settled, input.outcome)])
}

/** Another's order is answered like one that does not exist. */
function isVisible(order: OrderState, scope: Scope): order is PlacedOrder {
  return order.status !== 'absent' && mayActFor(scope, order.userId)
}

/** `If-Match` means "nothing changed since I looked", the version means "no other edit". */
function staleness(
  order: PlacedOrder,
  { input }: Command<string, { version?: number; ifMatch?: readonly string[] }>,
): Decision<OrderState> | undefined {
  const members = { currentVersion: order.version }
  if (input.ifMatch !== undefined && !input.ifMatch.includes(orderTag(order))) {
    return refuse(order, 'data-out-of-date', members, { status: 412 })
  }
  if (input.version !== undefined && input.version !== order.version) {
    return refuse(order, 'data-out-of-date', members, { status: 409 })
  }
  return undefined
}

/**
 * Lines with their members in one order, whatever order they were sent or stored in: an answer is
 * the same bytes whether it was made from the request or from the database.
 */
export function linesOf(lines: readonly OrderLine[]): readonly OrderLine[] {
  return lines.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice }))
}

/** Undefined beyond the safe integers, where sums would be rounded. */
function totalOf(lines: readonly OrderLine[]): number | undefined {
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0)
  return Number.isSafeInteger(total) ? total : undefined
}

function charge({ id, version, userId, currency }: PlacedOrder, amount: number) {
  return tell(chargeWanted, { orderId: id, version, userId, amount, currency })
}

function notification(
  { id, version, userId, total, currency, number }: PlacedOrder,
  outcome: 'paid' | 'declined',
) {
  const kind = outcome === 'paid' ? 'happiness' : 'grief'
  const of = { orderId: id, orderVersion: version, userId, kind } as const
  return tell(notificationWanted, { ...of, total, currency, number })
}
