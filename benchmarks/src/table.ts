import { contenderTitles } from './contenders.ts'
import { medianOf, type Report, type Row, type Section, type Target } from './report.ts'

const sectionTitles: Readonly<Record<Section, string>> = {
  connections: 'creates',
  autocannon: 'creates, driven by autocannon instead',
  replays: 'repeats of orders that are there',
  'slow-commits': 'creates, 2 ms added to every commit',
  'large-log': 'creates on a filled command log, beside an empty one',
  'redis-creates': 'creates, each looked up in Redis first',
  'repeats-elsewhere': 'repeats of orders that another process placed',
  replicas: 'creates in several processes on one database',
}

const titles: Readonly<Record<string, string>> = {
  ...contenderTitles,
  pgbench: '(c) pgbench, one statement a create',
}

/** The report as a table for people. */
export function reportText(report: Report): string {
  const header = ['', 'connections', 'per second', 'least–most', 'p50 ms', 'p99 ms']
  const all = Object.keys(sectionTitles) as Section[]
  const body = all.flatMap((section): string[][] => {
    const rows = report.rows.filter((row) => row.section === section)
    if (rows.length === 0) return []
    const title = section === 'large-log' ? largeLogTitle(report) : sectionTitles[section]
    return [[title], ...rows.toSorted(byConnections).map(rowCells)]
  })
  return [
    ...aligned([header, ...body]),
    '',
    ...aligned(report.targets.map(targetCells)),
    '',
    ...closingLines(report),
    '',
  ].join('\n')
}

/** pgbench has no connections to compare with those of HTTP: it comes last. */
function byConnections(one: Row, other: Row): number {
  const place = ({ contender, connections }: Row) =>
    contender === 'pgbench' ? Number.MAX_VALUE : connections
  return place(one) - place(other)
}

function largeLogTitle({ options }: Report): string {
  return `creates on a command log of ${Number(options.logRows).toLocaleString('en')} rows`
}

function rowCells(row: Row): string[] {
  const rates = row.samples.map(({ rate }) => rate)
  const mean = medianOf(row, 'meanMs')
  return [
    `  ${titles[row.contender] ?? row.contender}`,
    String(row.connections),
    whole(medianOf(row, 'rate')!),
    `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
    mean === undefined ? milliseconds(medianOf(row, 'p50Ms')) : `mean ${milliseconds(mean)}`,
    milliseconds(medianOf(row, 'p99Ms')),
  ]
}

/** A target as cells of a table. */
export function targetCells({ what, value, goal, target, reach, met }: Target): string[] {
  const bound = `target ${goal === 'least' ? '≥' : '≤'} ${target}`
  const further = reach === undefined ? '' : `, reach for ${reach}`
  return [`  ${what}`, value.toFixed(2), `${bound}${further}: ${met ? 'met' : 'missed'}`]
}

/** What the figures depend on, in a sentence. */
export function machineLine(machine: Report['machine']): string {
  const { cores, processor, memoryGiB, node, postgres, commitMs, loadBefore } = machine
  return (
    `${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node}, PostgreSQL ${postgres}; ` +
    `a small commit takes ${commitMs} ms; load before: ${loadBefore}`
  )
}

/** Whether look-ups in Redis came in time; nothing where there were none. */
function redisLines(rows: readonly Row[]): string[] {
  return rows.flatMap(({ contender, connections, samples }) => {
    const all = samples.flatMap(({ redis }) => redis ?? [])
    if (all.length === 0) return []
    const sum = (name: keyof (typeof all)[number]) =>
      whole(all.reduce((sum, counts) => sum + counts[name], 0))
    return [
      `Redis, ${titles[contender]}, ${connections} connections: ${sum('hits')} found, ` +
        `${sum('misses')} not there, ${sum('errors')} look-ups late or failed, ` +
        `${sum('skipped')} commands or entries left out`,
    ]
  })
}

function closingLines(report: Report): string[] {
  const { machine, checks, faults, skipped, tookSeconds, driver, rows } = report
  const failed = faults.length === 0 ? 'all passed' : `${faults.length} faults`
  return [
    ...redisLines(rows),
    machineLine(machine),
    `driven by ${driver}; medians; ${tookSeconds} s in all; ` +
      `${checks} checks that nothing was lost or doubled: ${failed}`,
    ...faults.map((fault) => `FAULT ${fault}`),
    ...skipped.map((part) => `skipped: ${part}`),
  ]
}

/** The first column to the left, the others to the right; a line of one cell is a heading. */
export function aligned(lines: readonly (readonly string[])[]): string[] {
  const tables = lines.filter((cells) => cells.length > 1)
  const widths = (tables[0] ?? []).map((_, column) =>
    Math.max(...tables.map((cells) => cells[column]!.length)),
  )
  return lines.map((cells) => {
    if (cells.length === 1) return `\n${cells[0]}`
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    return padded.join('  ').trimEnd()
  })
}

/** A figure without digits behind the point. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A time, as exact as it is of use. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined) return ''
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}
