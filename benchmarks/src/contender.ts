import type { RemoteReplayCacheCounts } from '@semel/commands'
import { answerFaults, type Counted, faultsOf, waitUntilQuiet } from './check.ts'
import type { Databases } from './databases.ts'
import type { Driver, Load, Loaded } from './load.ts'
import { replayFaults } from './replays.ts'
import { median } from './report.ts'
import type { Store } from './stores.ts'

/** What is measured, with its database if it has one. */
export type Contender = Readonly<{
  /** Where the load goes, in equal shares. */
  ports: readonly number[]
  /** Where orders are placed that are only repeated then. Default: the first of `ports`. */
  placedAt?: number
  store: Store | undefined
  /** What became of look-ups in Redis so far, where there is one. */
  redisCounts?(): Promise<RemoteReplayCacheCounts>
  stop(): Promise<void>
}>

/** A run, and what was wrong with it. */
export type Run = Readonly<{
  loaded: Loaded
  faults: readonly string[]
  redis?: RemoteReplayCacheCounts
}>

const placeSeconds = 1
const placeRoundsMax = 8
const placeConnectionsMin = 64

/**
 * Puts a load on a contender whose tables are empty, and checks what it left in them.
 *
 * With a number of keys, the orders are placed first and then only repeated: it is repeats that
 * are measured, and nothing may change.
 */
export async function runContender(
  { admin }: Pick<Databases, 'admin'>,
  contender: Contender,
  driver: Driver,
  wanted: Omit<Load, 'port'>,
): Promise<Run> {
  const { ports, store } = contender
  const load = { ...wanted, port: contender.placedAt ?? ports[0]! }
  if (store === undefined) {
    const loaded = await driver.run(load)
    return { loaded, faults: answerFaults(loaded) }
  }
  await store.clear()
  const since = new Date()
  const settled = async () => {
    await waitUntilQuiet(admin, store.connection.database)
    return store.count(since)
  }
  if (load.keys > 0) await placeAll(driver, load, settled)
  const before = await contender.redisCounts?.()
  const loaded = await runOn(ports, driver, load)
  const after = await contender.redisCounts?.()
  const counted = await settled()
  const { connections, keys } = load
  const expected =
    keys > 0
      ? { answered: keys, unansweredMax: 0 }
      : { answered: loaded.answered, unansweredMax: connections }
  const faults = [...answerFaults(loaded), ...faultsOf(counted, expected)]
  if (keys > 0) faults.push(...(await replayFaults({ ...load, port: ports[0]! })))
  const redis = before && after && { redis: differenceOf(after, before) }
  return { loaded, faults, ...redis }
}

/** Of several ports each has its own load, with keys of its own; the slowest says what p99 is. */
async function runOn(ports: readonly number[], driver: Driver, load: Load): Promise<Loaded> {
  if (ports.length === 1) return driver.run({ ...load, port: ports[0]! })
  const connections = Math.max(1, Math.floor(load.connections / ports.length))
  const all = await Promise.all(
    ports.map((port, index) =>
      driver.run({ ...load, port, connections, run: `${load.run}-${index}` }),
    ),
  )
  const sum = (figure: 'rate' | 'answered' | 'non2xx' | 'errors') =>
    all.reduce((whole, one) => whole + one[figure], 0)
  return {
    ...{ rate: sum('rate'), answered: sum('answered') },
    ...{ non2xx: sum('non2xx'), errors: sum('errors') },
    p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...all.map(({ p99Ms }) => p99Ms)),
  }
}

function differenceOf(
  after: RemoteReplayCacheCounts,
  before: RemoteReplayCacheCounts,
): RemoteReplayCacheCounts {
  const { hits, misses, ignored, errors, skipped } = after
  return {
    ...{ hits: hits - before.hits, misses: misses - before.misses },
    ...{ ignored: ignored - before.ignored, errors: errors - before.errors },
    skipped: skipped - before.skipped,
  }
}

/**
 * Goes through all keys until each has its order. A load begins with the first key: each round is
 * longer than the one before, so that the last key is reached, however slow the machine is.
 */
async function placeAll(
  driver: Driver,
  load: Load,
  settled: () => Promise<Counted>,
): Promise<void> {
  const connections = Math.max(load.connections, placeConnectionsMin)
  for (let round = 1; round <= placeRoundsMax; round += 1) {
    await driver.run({ ...load, connections, seconds: round * placeSeconds })
    if ((await settled()).orders >= load.keys) return
  }
  throw new Error(`${load.keys} orders were not placed in ${placeRoundsMax} rounds`)
}
