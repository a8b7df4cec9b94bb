import type { CheckReport } from '@semel/cli/src/check/check.ts'
import type { Expected } from './check.ts'

/** What a run left in the tables of all services. */
export type SagaCounted = Readonly<{
  orders: number
  /** Creates in the command log. */
  keys: number
  /** Orders that are paid or declined. */
  settled: number
  notifications: number
  /** Orders whose notification and charge say the same as they do. */
  whole: number
  /** What paid orders come to, what accounts hold for orders, and what they have left. */
  paidSum: number
  heldSum: number
  balanceSum: number
  /** Creates that the registry knows the answer of. */
  registered: number
  /** Messages that were parked. */
  letters: number
}>

/** What is not as the invariants say across services; nothing, if all is. */
export function sagaFaults(
  counted: SagaCounted,
  { answered, unansweredMax }: Expected,
  deposited: number,
): string[] {
  const { orders, keys, settled, notifications, whole, registered, letters } = counted
  const { paidSum, heldSum, balanceSum } = counted
  const faults: string[] = []
  if (orders < answered) faults.push(`${answered - orders} answered orders are lost`)
  if (orders > answered + unansweredMax) {
    faults.push(`${orders} orders where ${answered + unansweredMax} can have been asked for`)
  }
  if (keys !== orders) faults.push(`${orders} orders under ${keys} keys`)
  if (settled !== orders) faults.push(`${orders - settled} orders did not settle`)
  if (notifications !== orders) faults.push(`${orders} orders, ${notifications} notifications`)
  if (whole !== orders) faults.push(`${orders - whole} orders differ from what was told or charged`)
  if (heldSum !== paidSum) faults.push(`paid orders come to ${paidSum}, accounts hold ${heldSum}`)
  if (heldSum + balanceSum !== deposited) {
    faults.push(`${deposited} were deposited, ${heldSum} are held and ${balanceSum} left`)
  }
  if (registered !== orders) faults.push(`${orders} orders, ${registered} answers registered`)
  if (letters > 0) faults.push(`${letters} messages were parked`)
  return faults
}

/** What `semel check` found, in words. */
export function violationFaults(reports: readonly CheckReport[]): string[] {
  return reports.flatMap(({ name, invariant, violations }) =>
    violations.map((violation) => `${name} (${invariant}): ${JSON.stringify(violation)}`),
  )
}
