import type { Row, Sample } from './report.ts'

/** Where a benchmark puts down what it finds. */
export type Findings = Readonly<{
  /** Takes a measurement; those under one load come together in one row. */
  found(cell: Omit<Row, 'samples'>, sample: Sample): void
  /** Takes what a check said; nothing, if it passed. */
  checked(label: string, faults: readonly string[]): void
  rows(): readonly Row[]
  checks(): number
  faults(): readonly string[]
}>

/** Makes empty findings. */
export function createFindings(): Findings {
  const rows = new Map<string, Omit<Row, 'samples'> & { samples: Sample[] }>()
  const checks: string[][] = []
  return {
    found(cell, sample) {
      const name = `${cell.section} ${cell.contender} ${cell.connections}`
      const row = rows.get(name) ?? { ...cell, samples: [] }
      row.samples.push(sample)
      rows.set(name, row)
    },
    checked(label, faults) {
      checks.push(faults.map((fault) => `${label}: ${fault}`))
    },
    rows: () => [...rows.values()],
    checks: () => checks.length,
    faults: () => checks.flat(),
  }
}
