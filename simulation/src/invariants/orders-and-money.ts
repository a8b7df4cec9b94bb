import type { AccountState } from '@semel/billing/account'
import { hasEnded } from '@semel/messages/entry'
import type { PlacedOrder } from '@semel/orders/order'
import type { End } from '../history.ts'
import { answerOf, clientRecords, type Invariant, requestOf } from './invariant.ts'

/** I10: no money is made or lost, and orders, billing and notifications say the same. */
export const conservation: Invariant = (end) => [
  ...end.accounts.flatMap(unsound),
  ...end.orders.flatMap((order) => disagreement(end, order)),
]

function unsound(account: AccountState): string[] {
  const open = account.status === 'open' ? account : { balance: 0, held: 0, entries: [] }
  const { balance, held, entries } = open
  const posted = sum(entries.map(({ amount }) => amount))
  const holding = sum([...account.charges.values()].map((charge) => charge.held))
  return [
    ...(balance === posted && balance >= 0 ? [] : [`balance ${balance} of entries ${posted}`]),
    ...(held === holding ? [] : [`account holds ${held}, its orders ${holding}`]),
    ...[...account.charges.values()].flatMap(({ orderId, decisions }) => {
      const highest = decisions.toSorted((one, other) => other.version - one.version)[0]!
      const due = highest.outcome === 'paid' ? highest.amount : 0
      const own = entries.filter((entry) => entry.orderId === orderId)
      const taken = -sum(own.map(({ amount }) => amount))
      return taken === due ? [] : [`order ${orderId} took ${taken} of ${due}`]
    }),
  ]
}

function disagreement(end: End, order: PlacedOrder): string[] {
  const { id, version, status, total } = order
  const charge = end.accounts.flatMap(({ charges }) => charges.get(id) ?? [])[0]
  if (charge === undefined || charge.version !== version) {
    return [`order ${id} is at version ${version}, billing at ${charge?.version}`]
  }
  const held = status === 'paid' ? total : 0
  const outcome = status === 'cancelled' ? 'released' : status
  const told = end.notifications.find((one) => one.orderId === id && one.orderVersion === version)
  const kind = { paid: 'happiness', declined: 'grief', cancelled: undefined, pending: undefined }
  return [
    ...(charge.held === held ? [] : [`${status} order ${id} holds ${charge.held} of ${held}`]),
    ...(charge.outcome === outcome ? [] : [`order ${id} is ${status}, billing ${charge.outcome}`]),
    ...(told?.kind === kind[status] ? [] : [`${status} order ${id} is notified of ${told?.kind}`]),
  ]
}

/** I11: accepted changes of an order count its versions, each made of the one before it. */
export const noLostUpdate: Invariant = (end) => {
  const records = clientRecords(end, 'orders').filter(({ answer }) => (answer?.status ?? 400) < 300)
  return end.orders.flatMap((order) => {
    const changes = records.flatMap((record) => {
      const { status, body } = answerOf(record)
      if (body.id !== order.id || (record.operation === 'place-order' && status === 200)) return []
      return [{ record, body, input: requestOf(end, record)?.input as ChangeInput | undefined }]
    })
    // Cancelling again is accepted and changes nothing.
    const cancels = changes.filter(({ record }) => record.operation === 'cancel-order')
    const others = changes.filter((change) => !cancels.includes(change))
    const made = [...others, ...cancels.slice(0, 1)]
    const versions = made.map(({ body }) => body.version!).toSorted((one, other) => one - other)
    const stale = others.filter(({ record, body, input }) => {
      const isUpdate = record.operation === 'update-order' && input !== undefined
      return isUpdate && input.version !== body.version! - 1
    })
    const last = others.find(({ body }) => body.version === order.version - Number(isOver(order)))
    const isKept =
      last?.input === undefined || JSON.stringify(last.input.lines) === JSON.stringify(order.lines)
    return [
      ...(versions.join() === upTo(order.version) ? [] : [`${order.id}: versions ${versions}`]),
      ...stale.map(({ body }) => `${order.id}: version ${body.version} was made of a stale one`),
      ...(isKept ? [] : [`${order.id}: not what was last asked for`]),
    ]
  })
}

type ChangeInput = Readonly<{ version?: number; lines?: unknown }>

function isOver({ status }: PlacedOrder): boolean {
  return status === 'cancelled'
}

/** I12: everything came to rest; every request has its end, and every key its answer. */
export const settled: Invariant = (end) => {
  const letters = Object.values(end.services).flatMap((service) => service.letters)
  const answered = new Set(
    end.entries.filter(({ state }) => hasEnded(state)).map(({ guid }) => guid),
  )
  const final = new Set(['answered', 'key-reused', 'key-expired'])
  return [
    ...(end.isSettled ? [] : ['it does not come to rest']),
    ...letters
      .filter(({ discarded }) => discarded === undefined)
      .map(({ reason, id }) => `letter ${id} is left: ${reason}`),
    ...end.orders.filter(({ status }) => status === 'pending').map(({ id }) => `${id} is pending`),
    ...end.attempts.flatMap(({ told, isAskedAgain, command }) => {
      if (told.kind === 'taken' && !answered.has(told.guid)) return [`${told.guid} has no end`]
      const isOpen = isAskedAgain && !final.has(told.kind)
      return isOpen ? [`${command.operation} ${command.key} gets ${told.kind}`] : []
    }),
  ]
}

function upTo(end: number): string {
  return Array.from({ length: end }, (_, index) => index + 1).join()
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, each) => total + each, 0)
}
