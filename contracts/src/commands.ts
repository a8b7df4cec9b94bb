import type { AnyCommandContract } from '@semel/contract'
import { deposit, openAccount } from './billing.ts'
import { cancelOrder, placeOrder, updateOrder } from './orders.ts'

/** Every command that clients can ask for. */
export const commands: readonly AnyCommandContract[] = [
  openAccount,
  deposit,
  placeOrder,
  updateOrder,
  cancelOrder,
]
