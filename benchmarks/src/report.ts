import type { RemoteReplayCacheCounts } from '@semel/commands'

/** The parts of `create`, in the order they are measured. */
export const sections = [
  'connections',
  'autocannon',
  'replays',
  'slow-commits',
  'large-log',
] as const

/** The parts of `replicas`. */
export const replicaSections = ['redis-creates', 'repeats-elsewhere', 'replicas'] as const

export type Section = (typeof sections)[number] | (typeof replicaSections)[number]

/** One measurement. pgbench tells a mean instead of percentiles. */
export type Sample = Readonly<{
  rate: number
  p50Ms?: number
  p99Ms?: number
  meanMs?: number
  /** What became of look-ups in Redis, where there is one. */
  redis?: RemoteReplayCacheCounts
}>

/** All measurements of one contender under one load. */
export type Row = Readonly<{
  section: Section
  contender: string
  connections: number
  samples: readonly Sample[]
}>

/** A ratio, and what it should be. `goal: 'most'`: the less, the better. */
export type Target = Readonly<{
  what: string
  value: number
  goal: 'least' | 'most'
  target: number
  reach: number | undefined
  met: boolean
}>

/** What a benchmark found. */
export type Report = Readonly<{
  startedAt: string
  tookSeconds: number
  machine: Readonly<Record<string, string | number>>
  options: Readonly<Record<string, unknown>>
  driver: string
  rows: readonly Row[]
  targets: readonly Target[]
  /** Checks that were made; `faults` holds those that did not pass. */
  checks: number
  faults: readonly string[]
  /** What could not be measured here, and why. */
  skipped: readonly string[]
}>

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2
}

/** The median of one figure over a row's measurements; undefined where it was not measured. */
export function medianOf(
  row: Row | undefined,
  figure: Exclude<keyof Sample, 'redis'>,
): number | undefined {
  const values = row?.samples.flatMap((sample) => sample[figure] ?? []) ?? []
  return values.length === 0 ? undefined : median(values)
}

type Wanted = Readonly<{
  what: string
  figure: 'rate' | 'p50Ms'
  of: [Section, string]
  to: [Section, string]
  /** The most connections there are, or 1. */
  at: 'most' | 'one'
  goal: 'least' | 'most'
  target: number
  reach?: number
}>

const wanted: readonly Wanted[] = [
  {
    what: 'ours : five statements a request (d/b)',
    figure: 'rate',
    of: ['connections', 'product'],
    to: ['connections', 'careless'],
    at: 'most',
    goal: 'least',
    target: 4,
    reach: 6,
  },
  {
    what: 'ours : pgbench (d/c)',
    figure: 'rate',
    of: ['connections', 'product'],
    to: ['connections', 'pgbench'],
    at: 'most',
    goal: 'least',
    target: 1.2,
    reach: 1.7,
  },
  {
    what: 'p50 of ours : of five statements',
    figure: 'p50Ms',
    of: ['connections', 'product'],
    to: ['connections', 'careless'],
    at: 'one',
    goal: 'most',
    target: 1.2,
  },
  {
    what: 'repeats from the cache : echo',
    figure: 'rate',
    of: ['replays', 'product'],
    to: ['replays', 'echo'],
    at: 'most',
    goal: 'least',
    target: 0.5,
  },
  {
    what: 'repeats from the database : echo',
    figure: 'rate',
    of: ['replays', 'product-uncached'],
    to: ['replays', 'echo'],
    at: 'most',
    goal: 'least',
    target: 0.5,
  },
  {
    what: 'filled command log : empty one',
    figure: 'rate',
    of: ['large-log', 'product-large'],
    to: ['large-log', 'product'],
    at: 'most',
    goal: 'least',
    target: 0.85,
  },
  {
    what: 'creates with Redis : without',
    figure: 'rate',
    of: ['redis-creates', 'product-redis'],
    to: ['redis-creates', 'product'],
    at: 'most',
    goal: 'least',
    target: 0.9,
  },
  {
    what: 'p50 of creates with Redis : without',
    figure: 'p50Ms',
    of: ['redis-creates', 'product-redis'],
    to: ['redis-creates', 'product'],
    at: 'one',
    goal: 'most',
    target: 1.2,
  },
  {
    what: 'repeats elsewhere from Redis : from the database',
    figure: 'rate',
    of: ['repeats-elsewhere', 'elsewhere-redis'],
    to: ['repeats-elsewhere', 'elsewhere'],
    at: 'most',
    goal: 'least',
    target: 1,
  },
]

/** The ratios that matter, as far as both their sides were measured. */
export function targetsOf(rows: readonly Row[]): Target[] {
  return wanted.flatMap(({ what, figure, of, to, at, goal, target, reach }): Target[] => {
    const ours = rowOf(rows, of, at)
    const value = medianOf(ours, figure)
    const other = medianOf(rowOf(rows, to, at), figure)
    if (ours === undefined || value === undefined || other === undefined) return []
    const ratio = value / other
    const met = goal === 'least' ? ratio >= target : ratio <= target
    const title = `${what}, ${ours.connections} connection${ours.connections === 1 ? '' : 's'}`
    return [{ what: title, value: ratio, goal, target, reach, met }]
  })
}

function rowOf(
  rows: readonly Row[],
  [section, contender]: readonly [Section, string],
  at: 'most' | 'one',
): Row | undefined {
  const found = rows
    .filter((row) => row.section === section && row.contender === contender)
    .toSorted((one, other) => one.connections - other.connections)
  return at === 'most' ? found.at(-1) : found.find(({ connections }) => connections === 1)
}
