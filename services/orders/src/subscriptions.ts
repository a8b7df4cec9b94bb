import { chargeDecided } from '@semel/contracts/billing'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { carries, reactsTo, type Subscription } from '@semel/topics'

/** What orders read: commands whose clients do not wait, and what billing decided. */
export const subscriptions: readonly Subscription[] = [
  ...[placeOrder, updateOrder, cancelOrder].map(carries),
  reactsTo(chargeDecided),
]
