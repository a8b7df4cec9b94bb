import { median, type Target } from './report.ts'

/** What `saga` measures, in the order of the table. */
export const sagaRows = ['careless', 'saga', 'saga-half', 'saga-tenth'] as const

/** What `apart` measures. */
export const apartRows = ['saga', 'apart', 'saga-tenth', 'apart-tenth'] as const

export type SagaRowName = (typeof sagaRows)[number] | (typeof apartRows)[number]

/** One measurement. Figures beyond the first three are of the whole system alone. */
export type SagaSample = Readonly<{
  /** Creates answered a second; of the whole system: settled, until the last one was. */
  rate: number
  /** Of the careless create: of its answers. Else: from create to notification. */
  p50Ms: number
  p99Ms: number
  /** Orders a second until the registry knew the last answer. */
  registeredRate?: number
  /** Creates answered a second. */
  createRate?: number
  /**
   * For one order: seconds of processor of each process (none where the system tells of none),
   * `transactions`, `walBytes`.
   */
  costs?: Readonly<Record<string, number>>
}>

/** All measurements of one kind. */
export type SagaRow = Readonly<{ name: SagaRowName; samples: readonly SagaSample[] }>

/** What the benchmark found. */
export type SagaReport = Readonly<{
  startedAt: string
  tookSeconds: number
  machine: Readonly<Record<string, string | number>>
  options: Readonly<Record<string, unknown>>
  driver: string
  rows: readonly SagaRow[]
  targets: readonly Target[]
  checks: number
  faults: readonly string[]
  skipped: readonly string[]
}>

/** The median of one figure of a row; undefined where it was not measured. */
export function sagaMedian(
  rows: readonly SagaRow[],
  name: SagaRowName,
  figure: Exclude<keyof SagaSample, 'costs'>,
): number | undefined {
  const samples = rows.find((row) => row.name === name)?.samples ?? []
  const values = samples.flatMap((sample) => sample[figure] ?? [])
  return values.length === 0 ? undefined : median(values)
}

/** The median of each cost of a row. */
export function sagaCosts(
  rows: readonly SagaRow[],
  name: SagaRowName,
): Readonly<Record<string, number>> {
  const all = (rows.find((row) => row.name === name)?.samples ?? []).map(({ costs = {} }) => costs)
  const names = Object.keys(all[0] ?? {})
  return Object.fromEntries(names.map((cost) => [cost, median(all.map((one) => one[cost]!))]))
}

/** What matters of `apart`, as far as it was measured. */
export function apartTargets(rows: readonly SagaRow[]): Target[] {
  const [apart, together] = [sagaMedian(rows, 'apart', 'rate'), sagaMedian(rows, 'saga', 'rate')]
  if (apart === undefined || together === undefined) return []
  const value = apart / together
  const what = 'sagas settled: apart, over Kafka : in one process'
  return [{ what, value, goal: 'least', target: 0.4, reach: undefined, met: value >= 0.4 }]
}

/** What matters of `saga`, as far as it was measured. */
export function sagaTargets(rows: readonly SagaRow[]): Target[] {
  const [settled, careless, tenthMs] = [
    sagaMedian(rows, 'saga', 'rate'),
    sagaMedian(rows, 'careless', 'rate'),
    sagaMedian(rows, 'saga-tenth', 'p50Ms'),
  ]
  const targets: Target[] = []
  if (settled !== undefined && careless !== undefined) {
    const value = settled / careless
    const what = 'sagas settled : careless creates'
    targets.push({ what, value, goal: 'least', target: 1.5, reach: 2.5, met: value >= 1.5 })
  }
  if (tenthMs !== undefined) {
    const what = 'p50 from create to notification at a tenth of the load, ms'
    const met = tenthMs <= 20
    targets.push({ what, value: tenthMs, goal: 'most', target: 20, reach: undefined, met })
  }
  return targets
}
