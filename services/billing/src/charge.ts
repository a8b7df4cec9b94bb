import { type InputOf, type Outgoing, reaction, tell } from '@semel/contract'
import { chargeDecided } from '@semel/contracts/billing'
import { chargeWanted } from '@semel/contracts/orders'

/** What billing does about an order that wants to be charged for. */
export const takeCharge = reaction(chargeWanted)

/**
 * What billing decided about one version of an order, for ever. `released`: the order was
 * cancelled, and holds nothing.
 */
export type ChargeDecision = Readonly<{
  orderId: string
  userId: string
  version: number
  amount: number
  currency: string
  outcome: 'paid' | 'declined' | 'released'
  reason: 'balance-too-low' | 'no-account' | undefined
  /** False: made since the account was loaded. */
  isStored: boolean
}>

/** What an order costs its user: the highest version that has come, and what it holds. */
export type Charge = Readonly<{
  orderId: string
  userId: string
  version: number
  amount: number
  /** The amount where it was paid, else 0. */
  held: number
  outcome: ChargeDecision['outcome']
  /** Those of the versions that the batch names, and those that are new. */
  decisions: readonly ChargeDecision[]
  /** The version that the database held when this was loaded, 0 if none. */
  storedVersion: number
}>

type Wanted = InputOf<typeof takeCharge>

/** What was decided about this very version before. */
export function decidedBefore(
  charge: Charge | undefined,
  version: number,
): ChargeDecision | undefined {
  return charge?.decisions.find((decision) => decision.version === version)
}

/**
 * Decides about a version that is higher than any before. `balance` is undefined where there is no
 * account. An order that is not paid holds nothing, also if an earlier version of it was.
 */
export function decideCharge(
  before: Charge | undefined,
  { orderId, userId, version, amount, currency }: Wanted,
  balance: number | undefined,
): { charge: Charge; decision: ChargeDecision } {
  const affordable = balance !== undefined && balance + (before?.held ?? 0) >= amount
  const outcome: ChargeDecision['outcome'] =
    amount === 0 ? 'released' : affordable ? 'paid' : 'declined'
  const lacking = balance === undefined ? 'no-account' : 'balance-too-low'
  const reason = outcome === 'declined' ? lacking : undefined
  const of = { orderId, userId, version, amount, outcome } as const
  const decision: ChargeDecision = { ...of, currency, reason, isStored: false }
  const charge: Charge = {
    ...of,
    held: outcome === 'paid' ? amount : 0,
    decisions: [...(before?.decisions ?? []), decision],
    storedVersion: before?.storedVersion ?? 0,
  }
  return { charge, decision }
}

/**
 * What is told of a decision. Of a release nothing is: whoever cancelled the order settled it, and
 * orders would do nothing about it. That its money is back is true in billing's own tables with the
 * commit of the decision, which is what can be checked.
 */
export function messagesOf(decision: ChargeDecision): readonly Outgoing[] {
  const { orderId, userId, version, amount, currency, outcome, reason } = decision
  if (outcome === 'released') return []
  const body = { orderId, version, userId, amount, currency, outcome }
  return [tell(chargeDecided, reason === undefined ? body : { ...body, reason })]
}
