import { violationsOf } from './invariants.ts'
import type { Mutation } from './mutation.ts'
import { addCounts, type RareCounts } from './rare-events.ts'
import { runSchedule, type ScheduleOptions } from './schedule.ts'

/** A schedule that broke an invariant. */
export type Failure = Readonly<{ seed: number; violations: readonly string[] }>

/** What a range of seeds came to. */
export type Findings = {
  schedules: number
  steps: number
  failures: Failure[]
  counts: RareCounts
  /** By seed, the hash of its trace. */
  hashes: Map<number, string>
}

export function noFindings(): Findings {
  return { schedules: 0, steps: 0, failures: [], counts: new Map(), hashes: new Map() }
}

export function addFindings(to: Findings, more: Findings): void {
  to.schedules += more.schedules
  to.steps += more.steps
  to.failures.push(...more.failures)
  addCounts(to.counts, more.counts)
  for (const [seed, hash] of more.hashes) to.hashes.set(seed, hash)
}

/** Runs the schedules of seeds, one after the other, and checks each. */
export async function runSeeds(
  { from, count }: Readonly<{ from: number; count: number }>,
  mutation: Mutation = {},
): Promise<Findings> {
  const findings = noFindings()
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations, steps, hash, counts } = await checkSeed(seed, { mutation })
    findings.schedules += 1
    findings.steps += steps
    findings.hashes.set(seed, hash)
    addCounts(findings.counts, counts)
    if (violations.length > 0) findings.failures.push({ seed, violations })
  }
  return findings
}

/** Runs the schedule of one seed and says what is wrong with its end. */
export async function checkSeed(seed: number, options: ScheduleOptions = {}) {
  const { end, steps, hash, counts } = await runSchedule(seed, options)
  return { violations: violationsOf(end), steps, hash, counts }
}

/** The first seed, of so many, that shows a bug; undefined if none does. */
export async function firstFailure(
  { from, count }: Readonly<{ from: number; count: number }>,
  mutation: Mutation,
): Promise<Failure | undefined> {
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations } = await checkSeed(seed, { mutation })
    if (violations.length > 0) return { seed, violations }
  }
  return undefined
}
