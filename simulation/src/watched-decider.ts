import type { AccountState, BillingCommand } from '@semel/billing/account'
import type { Command, Decision } from '@semel/commands'
import { type EntryCommand, type EntryState, hasEnded } from '@semel/messages/entry'
import type { OrderCommand, OrderState } from '@semel/orders/order'
import type { RareEvent } from './rare-events.ts'
import type { AnyDecider, ServiceName } from './services.ts'

/** A decider that does just what it did, and is seen doing it. */
export function watchedDecider(
  name: ServiceName,
  decider: AnyDecider,
  happened: (event: RareEvent) => void,
): AnyDecider {
  const watch = watches[name]
  return {
    aggregateId: (command) => decider.aggregateId(command),
    decide(state, command) {
      const decision = decider.decide(state, command)
      const event = watch?.(state, command, decision)
      if (event !== undefined) happened(event)
      return decision
    },
  }
}

type Watch = (
  state: unknown,
  command: Command,
  decision: Decision<unknown>,
) => RareEvent | undefined

const watches: Partial<Record<ServiceName, Watch>> = {
  orders: (state, command, decision) =>
    watchOrder(state as OrderState, command as OrderCommand, decision),
  billing: (state, command, decision) =>
    watchAccount(
      state as AccountState,
      command as BillingCommand,
      decision as Decision<AccountState>,
    ),
  messages: (state, command) => watchEntry(state as EntryState, command as EntryCommand),
}

function watchOrder(
  order: OrderState,
  command: OrderCommand,
  { outcome, state }: Decision<unknown>,
): RareEvent | undefined {
  if (command.operation === 'charge-decided') {
    if (order.status === 'absent' || state !== order) return undefined
    return order.version > command.input.version
      ? 'decision that came too late'
      : 'duplicate event absorbed by the tables alone'
  }
  if (outcome.kind === 'accepted') {
    return outcome.status === 200 ? 'placed again under another key' : undefined
  }
  if (outcome.problem === 'data-out-of-date') return 'stale version refused'
  if (outcome.problem === 'order-unknown' && order.status !== 'absent') {
    return "another's order unknown"
  }
  return undefined
}

function watchAccount(
  account: AccountState,
  command: BillingCommand,
  { outcome, state }: Decision<AccountState>,
): RareEvent | undefined {
  if (command.operation !== 'charge-wanted') {
    const isUnknown = outcome.kind === 'refused' && outcome.problem === 'account-unknown'
    return isUnknown ? 'deposit refused before the account opened' : undefined
  }
  const { orderId, version, amount } = command.input
  const before = account.charges.get(orderId)
  const after = state.charges.get(orderId)
  if (before === undefined) return amount === 0 ? 'cancel before charge' : undefined
  if (before.decisions.some((decision) => decision.version === version)) {
    return 'decision repeated verbatim'
  }
  if (version < before.version) return 'older version came late to billing'
  if (before.held === 0 || after === undefined) return undefined
  if (after.outcome === 'declined') return 'declined order gave its hold back'
  const isCheaper = after.outcome === 'paid' && after.held < before.held
  return isCheaper ? 'refund of an order that got cheaper' : undefined
}

function watchEntry(entry: EntryState, { operation }: EntryCommand): RareEvent | undefined {
  if (entry.state === 'parked' && operation === 'message-answered') {
    return 'parked request answered in the end'
  }
  if (hasEnded(entry.state) && operation === 'request-seen') {
    return 'answered before pending in the registry'
  }
  const isEndedAgain = entry.state === 'answered' && operation === 'message-answered'
  return isEndedAgain ? 'later completion left the first answer' : undefined
}
