import type { Contender } from './contender.ts'
import { runContender } from './contender.ts'
import { type ContenderName, contenderTitles } from './contenders.ts'
import type { Databases } from './databases.ts'
import type { Findings } from './findings.ts'
import type { Driver } from './load.ts'
import { type Pgbench, pgbenchClients } from './pgbench.ts'
import type { Step } from './progress.ts'
import type { Row, Sample, Section } from './report.ts'

/** How much is measured. */
export type CreateOptions = Readonly<{
  sections: readonly Section[]
  /** Each measurement is made so often, in turn with the others. */
  rounds: number
  /** How long a measurement takes. */
  seconds: number
  /** The numbers of connections, rising. */
  connections: readonly number[]
  warmUpSeconds: number
  /** Rows of the filled command log. */
  logRows: number
  /** Orders that are repeated, over and over; fewer than the replay cache holds. */
  keys: number
}>

/** What the steps work with, and where they put what they find. */
export type Workshop = Readonly<{
  databases: Databases
  driver: Driver
  autocannon: Driver
  /** Opened when they are first asked for. */
  open(name: ContenderName, say: (detail: string) => void): Promise<Contender>
  /** Undefined where it is not installed. */
  pgbench: Pgbench | undefined
  findings: Findings<Omit<Row, 'samples'>, Sample>
}>

type Cell = Readonly<{ contender: ContenderName; connections: number; keys: number }>

/** The overhead of a measurement: clearing, waiting for rest, counting. */
const secondsAround = 0.6

/** All that is to be done, in its order. */
export function createSteps(options: CreateOptions, workshop: Workshop): Step[] {
  const opened = new Set<ContenderName>()
  return options.sections.flatMap((section) => {
    const cells = cellsOf(section, options)
    const fresh = [...new Set(cells.map(({ contender }) => contender))].filter(
      (name) => !opened.has(name),
    )
    for (const name of fresh) opened.add(name)
    return [
      ...fresh.map((name) => openStep(name, options, workshop)),
      ...roundsOf(section, cells, options, workshop),
    ]
  })
}

function cellsOf(section: Section, { connections, keys }: CreateOptions): Cell[] {
  const most = connections.at(-1)!
  const at = (names: readonly ContenderName[], cell: { connections: number; keys: number }) =>
    names.map((contender) => ({ contender, ...cell }))
  switch (section) {
    case 'connections':
    case 'autocannon':
      return connections.flatMap((number) =>
        at(['echo', 'careless', 'product'], { connections: number, keys: 0 }),
      )
    case 'replays':
      return at(['echo', 'product', 'product-uncached'], { connections: most, keys })
    case 'slow-commits':
      return at(['careless-slow', 'product-slow'], { connections: most, keys: 0 })
    case 'large-log':
      return at(['product', 'product-large'], { connections: most, keys: 0 })
    case 'redis-creates':
      return connections.flatMap((number) =>
        at(['product', 'product-redis'], { connections: number, keys: 0 }),
      )
    case 'repeats-elsewhere':
      return connections.flatMap((number) =>
        at(['elsewhere', 'elsewhere-redis'], { connections: number, keys }),
      )
    case 'replicas':
      return at(['product', 'direct-2', 'direct-3', 'behind-1', 'behind-2', 'behind-3'], {
        connections: most,
        keys: 0,
      })
  }
}

/** Every contender has its turn under every load before any has its second. */
function roundsOf(
  section: Section,
  cells: readonly Cell[],
  options: CreateOptions,
  workshop: Workshop,
): Step[] {
  // autocannon's table is there to be compared with elsewhere: one round less is enough for it.
  const rounds = section === 'autocannon' ? Math.max(1, options.rounds - 1) : options.rounds
  return Array.from({ length: rounds }, (_, index) => {
    const round = `round ${index + 1} of ${rounds}`
    const steps = cells.map((cell) => runStep(section, cell, round, options, workshop))
    if (section === 'connections') steps.push(...pgbenchSteps(round, options, workshop))
    return steps
  }).flat()
}

function openStep(
  name: ContenderName,
  { warmUpSeconds, logRows }: CreateOptions,
  workshop: Workshop,
): Step {
  const isLarge = name === 'product-large'
  return {
    label: isLarge
      ? `filling a command log with ${logRows.toLocaleString('en')} rows`
      : `starting and warming up ${contenderTitles[name]}`,
    seconds: warmUpSeconds + 1.5 + (isLarge ? logRows / 45_000 : 0),
    async run(say) {
      await workshop.open(name, say)
    },
  }
}

function runStep(
  section: Section,
  { contender, connections, keys }: Cell,
  round: string,
  { seconds }: CreateOptions,
  workshop: Workshop,
): Step {
  const driver = section === 'autocannon' ? workshop.autocannon : workshop.driver
  const label =
    `${section}: ${contenderTitles[contender]}, ` +
    `${connections} connection${connections === 1 ? '' : 's'} by ${driver.name}, ${round}`
  return {
    label,
    seconds: seconds + secondsAround + (keys > 0 ? 1.5 : 0),
    async run(say) {
      const opened = await workshop.open(contender, say)
      const run = `${section}-${connections}-${round.replaceAll(' ', '-')}`
      const wanted = { connections, seconds, run, keys }
      const ran = await runContender(workshop.databases, opened, driver, wanted)
      const { loaded, faults, redis } = ran
      const { rate, p50Ms, p99Ms } = loaded
      workshop.findings.found(
        { section, contender, connections },
        {
          ...{ rate, p50Ms, p99Ms },
          ...(redis && { redis }),
        },
      )
      workshop.findings.checked(label, faults)
    },
  }
}

function pgbenchSteps(
  round: string,
  { seconds }: CreateOptions,
  { pgbench, findings }: Workshop,
): Step[] {
  if (pgbench === undefined) return []
  const label = `connections: (c) pgbench, ${round}`
  return [
    {
      label,
      seconds: seconds + secondsAround,
      async run() {
        const { benched, faults } = await pgbench.run(seconds)
        const { rate, meanMs } = benched
        const cell = { contender: 'pgbench', connections: pgbenchClients } as const
        findings.found({ section: 'connections', ...cell }, { rate, meanMs })
        findings.checked(label, faults)
      },
    },
  ]
}
