import { missingEvents, rareEvents } from './rare-events.ts'
import type { Failure, Findings } from './seeds.ts'

const failuresShown = 10

/** How far a run is, in a line. */
export function progressText({ schedules, failures }: Findings, count: number, seconds: number) {
  const left = Math.ceil((seconds / schedules) * (count - schedules))
  const found = failures.length === 0 ? '' : ` · ${failures.length} failed`
  return `${schedules} of ${count} schedules${found} · ${left} s left`
}

/** What a run has come to: rare events, what failed, and how to see it again. */
export function findingsText(findings: Findings, seconds: number, mutant?: string): string {
  const { schedules, steps, failures, counts } = findings
  const missing = missingEvents(counts)
  const rate = Math.round(schedules / seconds)
  const table = rareEvents.map((event) => `${String(counts.get(event) ?? 0).padStart(9)}  ${event}`)
  const lines = [
    ...table,
    '',
    `${schedules} schedules of ${Math.round(steps / schedules)} steps in ${seconds.toFixed(1)} s ` +
      `(${rate}/s), trace ${traceOf(findings)}`,
    ...(missing.length === 0 ? [] : [`never happened: ${missing.join(', ')}`]),
    ...failures
      .toSorted((one, other) => one.seed - other.seed)
      .slice(0, failuresShown)
      .flatMap((failure) => failureLines(failure, mutant)),
    failures.length === 0 ? 'every invariant holds' : `${failures.length} schedules failed`,
  ]
  return `${lines.join('\n')}\n`
}

/** How many seeds it took to find a deliberate bug. */
export function mutantRow(name: string, from: number, failure: Failure | undefined): string {
  if (failure === undefined) return `  NOT FOUND  ${name}\n`
  const taken = String(failure.seed - from + 1).padStart(5)
  return `${taken} seeds  ${name}\n             ${failure.violations[0]}\n`
}

function failureLines({ seed, violations }: Failure, mutant: string | undefined): string[] {
  const bug = mutant === undefined ? '' : ` --mutant '${mutant}'`
  return [
    `seed ${seed} failed; see it again by: npm run simulate -- --seed ${seed}${bug} --trace`,
    ...violations.slice(0, 3).map((violation) => `  ${violation}`),
  ]
}

/** One hash for all traces, in the order of seeds. */
function traceOf({ hashes }: Findings): string {
  let sum = 0n
  for (const [seed, hash] of hashes) {
    sum = BigInt.asUintN(64, sum + BigInt(`0x${hash}`) * BigInt(2 * seed + 1))
  }
  return sum.toString(16).padStart(16, '0')
}
