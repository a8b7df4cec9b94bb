import type { Pool } from '@semel/postgres'
import type { Command } from 'commander'
import { declareShowing } from '../command-line.ts'
import { exitCodes } from '../exit-codes.ts'
import { operate } from '../operate.ts'
import { counted, jsonOf, printable } from '../print.ts'
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
      'each million of them. What is on its way at that moment is no violation.\n',
  }).action(({ json }: { json?: true }) =>
    operate(
      async (pool) => {
        const reports = await runChecks(pool, checks)
        if (reports.some(({ violations }) => violations.length > 0)) {
          process.exitCode = exitCodes.violations.code
        }
        return json === true ? jsonOf(summaryOf(reports)) : textOf(reports)
      },
      { statementTimeoutMs },
    ),
  )
}

/** Runs checks one after the other in one snapshot. */
export function runChecks(pool: Pool, run: readonly Check[]): Promise<readonly CheckReport[]> {
  return inSnapshot(pool, async (tx) => {
    const reports: CheckReport[] = []
    for (const { name, invariant, promise, unit, run: look } of run) {
      const { checked, faults } = await look(tx, violationsMax)
      reports.push({ name, invariant, promise, checked, unit, violations: faults })
    }
    return reports
  })
}

function summaryOf(reports: readonly CheckReport[]) {
  const found = reports.reduce((sum, { violations }) => sum + violations.length, 0)
  return { ok: found === 0, violations: found, checks: reports }
}

function textOf(reports: readonly CheckReport[]): string {
  const lines = reports.flatMap(({ name, invariant, promise, checked, unit, violations }) => {
    const mark = violations.length === 0 ? 'ok  ' : 'FAIL'
    const heading = `${mark}  ${invariant.padEnd(3)}  ${name}: ${promise}`
    const figure = `${unit}: ${checked.toLocaleString('en')}`
    const more = violations.length === violationsMax ? ' or more' : ''
    const found =
      violations.length === 0 ? '' : `, ${counted(violations.length, 'violation')}${more}`
    return [
      `${heading} (${figure}${found})`,
      ...violations.map(({ id, is, shouldBe }) =>
        printable(`             ${id}: is ${is}; should be ${shouldBe}`),
      ),
    ]
  })
  const { ok, violations } = summaryOf(reports)
  const end = ok
    ? `${counted(reports.length, 'check')}, no violation.`
    : `${counted(violations, 'violation')}: do not mend rows by hand before you know the cause.`
  return `${lines.join('\n')}\n${end}\n`
}
