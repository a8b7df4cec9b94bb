import type { Scope } from '@semel/commands'

/** How much callers may ask for. */
export type QuotaOptions = Readonly<{
  /** Commands per minute, on average. */
  perMinute: number
  /** Commands at once, after a pause. Default: `perMinute`. */
  burst?: number | undefined
  /** Callers that are remembered. Default 100,000, which are some 15 MB. */
  callersMax?: number | undefined
}>

/** What every caller has left; `nowMs` is a time that never goes back. */
export interface Quotas {
  /** Takes units, and gives 0; or takes none, and gives the ms until there are enough. */
  take(caller: Scope, units: number, nowMs: number): number
  /** Gives a caller units back that were taken too many. */
  giveBack(caller: Scope, units: number): void
  /** How many units a caller has. */
  left(caller: Scope, nowMs: number): number
}

/** What is counted: a tenth of a command. */
export const unitsPerCommand = 10

/**
 * Keeps a bucket for every caller, filled at a constant rate up to a burst.
 *
 * Of a bucket only the time is kept at which it is full again (GCRA), counted in units so that sums
 * are exact. Beyond `callersMax`, whoever asked longest ago is forgotten, and has a full bucket.
 */
export function createQuotas(options: QuotaOptions): Quotas {
  const { perMinute, burst = perMinute, callersMax = 100_000 } = options
  const unitMs = 60_000 / (perMinute * unitsPerCommand)
  const capacity = burst * unitsPerCommand
  /** In the order of their last requests. */
  const fullAgainAt = new Map<Scope, number>()
  const unitsAt = (nowMs: number) => Math.floor(nowMs / unitMs)
  const fullAt = (caller: Scope, nowMs: number) =>
    Math.max(fullAgainAt.get(caller) ?? 0, unitsAt(nowMs))
  return {
    take(caller, units, nowMs) {
      const before = fullAt(caller, nowMs)
      const overflow = before + units - capacity
      const isEnough = overflow <= unitsAt(nowMs)
      fullAgainAt.delete(caller)
      fullAgainAt.set(caller, isEnough ? before + units : before)
      if (fullAgainAt.size > callersMax) fullAgainAt.delete(fullAgainAt.keys().next().value!)
      return isEnough ? 0 : Math.max(1, Math.ceil(overflow * unitMs - nowMs))
    },
    giveBack(caller, units) {
      const at = fullAgainAt.get(caller)
      if (at !== undefined) fullAgainAt.set(caller, at - units)
    },
    left: (caller, nowMs) => capacity - (fullAt(caller, nowMs) - unitsAt(nowMs)),
  }
}
