import type { Pool } from '@semel/postgres'
import { exitCodes, printable } from '@semel/runtime'
import type { Command } from 'commander'
import { declareShowing } from '../command-line.ts'
import { operate } from '../operate.ts'
import { readPositions } from '../outbox-store.ts'
import { counted, jsonOf } from '../print.ts'
import { findServices, type ServiceName } from '../tables-store.ts'
import { type Check, checks, type Invariant } from './checks.ts'
import { type Fault, inSnapshot } from './sql.ts'

/** What a check came to. */
export type CheckReport = Readonly<{
  name: string
  invariant: Invariant
  promise: string
  checked: number
  unit: string
  /** At most 100. */
  violations: readonly Fault[]
}>

/** A check that could not be made on this database. */
export type SkippedCheck = Readonly<{
  name: string
  invariant: Invariant
  promise: string
  /** What is not here, in a sentence without its full stop. */
  reason: string
}>

/** What all checks came to. */
export type Report = Readonly<{
  checks: readonly CheckReport[]
  skipped: readonly SkippedCheck[]
}>

/** Violations of one check that are listed, at most. */
const violationsMax = 100
/** A check reads all there is: an hour for each statement. */
const statementTimeoutMs = 60 * 60 * 1000

/** Declares `semel check`. */
export function declareCheck(program: Command): void {
  declareShowing(program, 'check', {
    does: 'check that what is stored is as it must be',
    examples: [
      ['semel check', 'all invariants, while the system runs'],
      ['semel check --json', 'for programs'],
    ],
    more:
      '\nIt sees all as of one moment, changes nothing, and reads every row: seconds for\n' +
      'each million of them. What is on its way at that moment is no violation.\n' +
      'On a database that some services have alone, it makes the checks that concern them.\n',
  }).action(({ json }: { json?: true }) =>
    operate(
      async (pool) => {
        const report = await runChecks(pool, checks)
        const summary = { ...countOf(report), ...report }
        if (!summary.ok) process.exitCode = exitCodes.violations.code
        return json === true ? jsonOf(summary) : textOf(summary)
      },
      { statementTimeoutMs },
    ),
  )
}

/** Runs the checks that can be made on a database, one after the other in one snapshot. */
export function runChecks(pool: Pool, wanted: readonly Check[]): Promise<Report> {
  return inSnapshot(pool, async (tx) => {
    const here = {
      services: await findServices(tx),
      readers: new Set((await readPositions(tx)).map(({ group }) => group)),
    }
    const done: CheckReport[] = []
    const skipped: SkippedCheck[] = []
    for (const check of wanted) {
      const { name, invariant, promise, unit } = check
      const reason = whatLacks(check, here)
      if (reason !== undefined) {
        skipped.push({ name, invariant, promise, reason })
        continue
      }
      const { checked, faults } = await check.run(tx, violationsMax)
      done.push({ name, invariant, promise, checked, unit, violations: faults })
    }
    return { checks: done, skipped }
  })
}

/** Why a check cannot be made; undefined where it can. */
function whatLacks(
  { services, readers }: Check,
  here: Readonly<{ services: ReadonlySet<ServiceName>; readers: ReadonlySet<string> }>,
): string | undefined {
  const missing = services.filter((service) => !here.services.has(service))
  if (missing.length > 0) return `no tables of ${missing.join(' and ')} are here`
  if (readers === undefined || readers.some((reader) => here.readers.has(reader))) return undefined
  return `nothing in this outbox was read by ${readers.join(', ')}`
}

function countOf({ checks: done }: Report): Readonly<{ ok: boolean; violations: number }> {
  const found = done.reduce((sum, { violations }) => sum + violations.length, 0)
  return { ok: found === 0, violations: found }
}

function textOf(summary: Report & Readonly<{ ok: boolean; violations: number }>): string {
  const { checks: done, skipped, ok, violations } = summary
  const lines = [...done.flatMap(linesOf), ...skipped.map(skippedLine)]
  const unseen = skipped.length === 0 ? '' : `; ${skipped.length} not made here`
  const end = ok
    ? `${counted(done.length, 'check')}, no violation${unseen}.`
    : `${counted(violations, 'violation')}: do not mend rows by hand before you know the cause.`
  return `${lines.join('\n')}\n${end}\n`
}

function linesOf({ violations, unit, checked, ...check }: CheckReport): readonly string[] {
  const isFine = violations.length === 0
  const more = violations.length === violationsMax ? ' or more' : ''
  const found = isFine ? '' : `, ${counted(violations.length, 'violation')}${more}`
  return [
    `${headingOf(isFine ? 'ok' : 'FAIL', check)} (${unit}: ${checked.toLocaleString('en')}${found})`,
    ...violations.map(({ id, is, shouldBe }) =>
      printable(`             ${id}: is ${is}; should be ${shouldBe}`),
    ),
  ]
}

function skippedLine({ reason, ...check }: SkippedCheck): string {
  return `${headingOf('-', check)} (not made: ${reason})`
}

function headingOf(
  mark: string,
  { name, invariant, promise }: Pick<Check, 'name' | 'invariant' | 'promise'>,
): string {
  return `${mark.padEnd(4)}  ${invariant.padEnd(3)}  ${name}: ${promise}`
}
