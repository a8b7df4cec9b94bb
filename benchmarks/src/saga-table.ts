import {
  type SagaReport,
  type SagaRow,
  type SagaRowName,
  sagaCosts,
  sagaMedian,
} from './saga-report.ts'
import { aligned, machineLine, milliseconds, targetCells, whole } from './table.ts'

const titles: Readonly<Record<SagaRowName, string>> = {
  careless: '(b) create: five statements a request',
  saga: '(e) saga: create, charge, settle, notify',
  'saga-half': '(e) at half of that rate',
  'saga-tenth': '(e) at a tenth of that rate',
  apart: '(f) saga: five processes, a database each, Kafka',
  'apart-tenth': '(f) at a tenth of that rate',
}

/** The report as a table for people. */
export function sagaText(report: SagaReport): string {
  const header = ['', 'per second', 'least–most', 'p50 ms', 'p99 ms']
  const { checks, faults, driver, tookSeconds, skipped, options } = report
  const failed = faults.length === 0 ? 'all passed' : `${faults.length} faults`
  return [
    ...aligned([header, ...report.rows.map(rowCells)]),
    '',
    ...costLines(report.rows, 'saga', '(e)'),
    ...costLines(report.rows, 'apart', '(f)'),
    '',
    ...aligned(report.targets.map(targetCells)),
    '',
    machineLine(report.machine),
    `${options.connections} connections driven by ${driver} in a closed loop, the parts of it by ` +
      'node in an open one; latency: (b) of answers, (e) from create to the commit of the ' +
      `notification; medians; ${tookSeconds} s in all; ${checks} checks of the invariants: ${failed}`,
    ...faults.map((fault) => `FAULT ${fault}`),
    ...skipped.map((part) => `skipped: ${part}`),
    '',
  ].join('\n')
}

function rowCells({ name, samples }: SagaRow): string[] {
  const rates = samples.map(({ rate }) => rate)
  const row = [{ name, samples }]
  return [
    `  ${titles[name]}`,
    whole(sagaMedian(row, name, 'rate')!),
    `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
    milliseconds(sagaMedian(row, name, 'p50Ms')),
    milliseconds(sagaMedian(row, name, 'p99Ms')),
  ]
}

/** What the table has no columns for. */
function costLines(rows: readonly SagaRow[], name: SagaRowName, mark: string): string[] {
  const [created, registered] = [
    sagaMedian(rows, name, 'createRate'),
    sagaMedian(rows, name, 'registeredRate'),
  ]
  if (created === undefined || registered === undefined) return []
  const { transactions = 0, walBytes = 0, ...seconds } = sagaCosts(rows, name)
  const micros = Object.entries(seconds).map(([of, used]) => `${of} ${whole(used * 1e6)}`)
  return [
    `${mark} meanwhile: ${whole(created)} creates answered a second; ` +
      `${whole(registered)} a second until the registry had the last answer`,
    `${mark} one saga: µs of processor: ${micros.join(', ') || 'not told here'}; ` +
      `${transactions.toFixed(3)} transactions, ${whole(walBytes / 1024)} KiB of WAL`,
  ]
}
