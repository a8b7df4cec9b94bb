import { deposit, openAccount } from '@semel/contracts/billing'
import { chargeWanted } from '@semel/contracts/orders'
import { carries, reactsTo, type Subscription } from '@semel/topics'

/** What billing reads: commands whose clients do not wait, and what orders want to be paid. */
export const subscriptions: readonly Subscription[] = [
  ...[openAccount, deposit].map(carries),
  reactsTo(chargeWanted),
]
