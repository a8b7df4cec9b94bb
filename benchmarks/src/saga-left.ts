import type { SagaCounted } from './saga-check.ts'

/** What a run left in the tables of every service, wherever they are. */
export type SagaLeft = Readonly<{
  orders: readonly OrderLeft[]
  charges: readonly ChargeLeft[]
  notifications: readonly NotificationLeft[]
  /** Creates in the command log. */
  keys: number
  heldSum: number
  balanceSum: number
  /** Creates that the registry knows the answer of. */
  registered: number
  /** When its last entry was committed, in milliseconds since 1970. */
  registeredMs: number
  letters: number
}>

type OrderLeft = Readonly<{
  id: string
  version: number
  userId: string
  status: string
  total: number
  /** When it arrived. */
  createdMs: number
  /** Of the request in its run, from 1; null, if no command is known that placed it. */
  number: number | null
}>
type ChargeLeft = Readonly<{
  orderId: string
  version: number
  userId: string
  amount: number
  outcome: string
}>
type NotificationLeft = Readonly<{
  orderId: string
  version: number
  userId: string
  kind: string
  /** When it was committed. */
  toldMs: number
}>

/** When a load at a rate began, in milliseconds since 1970, and how many a second it sent. */
export type Paced = Readonly<{ startedAtMs: number; rate: number }>

/** What the check of the invariants counts: see `saga-check.ts`. */
export function countedOf(left: SagaLeft): SagaCounted {
  const { orders, charges, notifications, keys, heldSum, balanceSum, registered, letters } = left
  const charged = new Set(charges.map((one) => line(one.orderId, one, one.outcome, one.amount)))
  const told = new Set(notifications.map((one) => line(one.orderId, one, one.kind)))
  const kindOf = (status: string) => (status === 'paid' ? 'happiness' : 'grief')
  const isWhole = (order: OrderLeft) =>
    charged.has(line(order.id, order, order.status, order.total)) &&
    told.has(line(order.id, order, kindOf(order.status)))
  const paid = orders.filter(({ status }) => status === 'paid')
  return {
    orders: orders.length,
    keys,
    settled: orders.filter(({ status }) => status === 'paid' || status === 'declined').length,
    notifications: notifications.length,
    whole: orders.filter(isWhole).length,
    paidSum: paid.reduce((sum, { total }) => sum + total, 0),
    heldSum,
    balanceSum,
    registered,
    letters,
  }
}

/** How long a run took from the arrival of its first request, in seconds. */
export function tookOf({ orders, notifications, registeredMs }: SagaLeft): {
  settledSeconds: number
  registeredSeconds: number
} {
  const firstMs = orders.reduce((least, { createdMs }) => Math.min(least, createdMs), Infinity)
  const lastMs = notifications.reduce((most, { toldMs }) => Math.max(most, toldMs), -Infinity)
  return {
    settledSeconds: (lastMs - firstMs) / 1000,
    registeredSeconds: (registeredMs - firstMs) / 1000,
  }
}

/**
 * Milliseconds to the commit that made an order's notification visible: at a rate from when the
 * request was due, else from its arrival at the server.
 */
export function latencyOf(
  { orders, notifications }: SagaLeft,
  paced?: Paced,
): { p50Ms: number; p99Ms: number } {
  const sinceMs = new Map(
    orders.map(({ id, number, createdMs }) => [
      id,
      paced === undefined || number === null
        ? createdMs
        : paced.startedAtMs + ((number - 1) * 1000) / paced.rate,
    ]),
  )
  const all = notifications
    .map(({ orderId, toldMs }) => toldMs - (sinceMs.get(orderId) ?? Number.NaN))
    .toSorted((one, other) => one - other)
  const at = (share: number) => all[Math.floor((all.length - 1) * share)] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}

function line(
  orderId: string,
  { version, userId }: { version: number; userId: string },
  ...rest: readonly (string | number)[]
): string {
  return [orderId, version, userId, ...rest].join(' ')
}
