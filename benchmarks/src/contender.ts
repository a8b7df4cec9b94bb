import { answerFaults, type Counted, faultsOf, waitUntilQuiet } from './check.ts'
import type { Databases } from './databases.ts'
import type { Driver, Load, Loaded } from './load.ts'
import { replayFaults } from './replays.ts'
import type { ServerProcess } from './server-process.ts'
import type { Store } from './stores.ts'

/** A server that is measured, with its database if it has one. */
export type Contender = Readonly<{ server: ServerProcess; store: Store | undefined }>

/** A run, and what was wrong with it. */
export type Run = Readonly<{ loaded: Loaded; faults: readonly string[] }>

const placeSeconds = 1
const placeRoundsMax = 8

/**
 * Puts a load on a contender whose tables are empty, and checks what it left in them.
 *
 * With a number of keys, the orders are placed first and then only repeated: it is repeats that
 * are measured, and nothing may change.
 */
export async function runContender(
  { admin }: Pick<Databases, 'admin'>,
  { server, store }: Contender,
  driver: Driver,
  wanted: Omit<Load, 'port'>,
): Promise<Run> {
  const load = { ...wanted, port: server.port }
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
  const loaded = await driver.run(load)
  const counted = await settled()
  const { connections, keys } = load
  const expected =
    keys > 0
      ? { answered: keys, unansweredMax: 0 }
      : { answered: loaded.answered, unansweredMax: connections }
  const faults = [...answerFaults(loaded), ...faultsOf(counted, expected)]
  if (keys > 0) faults.push(...(await replayFaults(load)))
  return { loaded, faults }
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
  for (let round = 1; round <= placeRoundsMax; round += 1) {
    await driver.run({ ...load, seconds: round * placeSeconds })
    if ((await settled()).orders >= load.keys) return
  }
  throw new Error(`${load.keys} orders were not placed in ${placeRoundsMax} rounds`)
}
