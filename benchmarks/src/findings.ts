/** Where a benchmark puts down what it finds, in rows: what was measured, and how often. */
export type Findings<Cell extends object, Sample> = Readonly<{
  /** Takes a measurement; those of one cell come together in one row. */
  found(cell: Cell, sample: Sample): void
  /** Takes what a check said; nothing, if it passed. */
  checked(label: string, faults: readonly string[]): void
  rows(): readonly (Cell & Readonly<{ samples: readonly Sample[] }>)[]
  checks(): number
  faults(): readonly string[]
}>

/** Makes empty findings. */
export function createFindings<Cell extends object, Sample>(): Findings<Cell, Sample> {
  const rows = new Map<string, Cell & { samples: Sample[] }>()
  const checks: string[][] = []
  return {
    found(cell, sample) {
      const name = JSON.stringify(cell)
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
