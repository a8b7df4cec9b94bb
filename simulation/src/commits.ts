import { type Store, Unavailable } from '@semel/commands'
import type { MemoryDatabase, MemoryTx } from '@semel/commands/memory'
import { memoryStore } from '@semel/commands/memory'
import type { Faults } from './faults.ts'
import type { Random } from './random.ts'
import type { RareEvent } from './rare-events.ts'
import type { Life, Scheduler } from './scheduler.ts'

/** What a process sees of the world. */
export type Surroundings = Readonly<{
  scheduler: Scheduler
  random: Random
  /** Those of now: none when the world has healed. */
  faults: () => Faults
  happened: (event: RareEvent) => void
}>

/** How an attempt at a transaction ended, as its client sees it. */
export type Attempt<T> =
  | Readonly<{ end: 'committed'; value: T }>
  | Readonly<{ end: 'conflict' | 'broken' | 'unreachable' }>
  /** The connection broke behind COMMIT. `value` and `wasCommitted` are what nobody can see. */
  | Readonly<{ end: 'unknown'; value: T; wasCommitted: boolean }>

/** Tries again, or gives up. */
export type Retry = <T>(attempt: () => Promise<Attempt<T>>, near: Surroundings) => Promise<T>

/** As in `RetryLimits` of `@semel/postgres`; an unknown commit is looked for so many times. */
const triesMax = { conflict: 8, broken: 2, unknown: 4, unreachable: 1 }

/**
 * As `transaction` of `@semel/postgres` does it: conflicts, broken connections and unknown commits
 * are run again, so that the next run meets what the one before it left; what was ever unknown and
 * cannot be run to its end stays unknown.
 */
export const retryAsPostgres: Retry = async (attempt, near) => {
  const left = { ...triesMax }
  let wasCommitted: boolean | undefined
  for (;;) {
    const result = await attempt()
    if (result.end === 'committed') {
      if (wasCommitted === true) near.happened('unknown commit resolved as committed')
      if (wasCommitted === false) near.happened('unknown commit resolved as not committed')
      return result.value
    }
    if (result.end === 'unknown') wasCommitted ||= result.wasCommitted
    left[result.end] -= 1
    if (left[result.end] === 0) {
      throw new Unavailable(wasCommitted === undefined ? 'none' : 'unknown', new Error(result.end))
    }
    if (result.end === 'conflict') near.happened('conflict run again')
    if (result.end === 'broken') near.happened('connection broken before its commit')
  }
}

/** Ends a transaction before its commit. */
class Cut extends Error {}

/**
 * The command log of a memory database as a process reaches it over a network, by the two round
 * trips that production sends: what is read is a step, what is written with its COMMIT is one, and
 * so is the reply. Connections break before, behind and at the commit.
 */
export function remoteStore(
  database: MemoryDatabase,
  life: Life,
  near: Surroundings,
  retry: Retry,
): Store<MemoryTx> {
  const inner = memoryStore(database)
  const { scheduler, random, happened } = near
  const step = (label: string) => scheduler.step(life, label)

  async function attemptOnce<T>(work: (tx: MemoryTx) => Promise<T>): Promise<Attempt<T>> {
    const fate = drawFate(near)
    await step('read')
    if (fate === 'unreachable') {
      happened('database away')
      return { end: fate }
    }
    let done: { value: T } | undefined
    try {
      const value = await inner.transaction(async (tx) => {
        done = undefined
        const of = await work(tx)
        done = { value: of }
        await step('commit')
        if (fate === 'conflict' || fate === 'broken' || fate === 'lost') throw new Cut(fate)
        return of
      })
      await step('committed')
      return fate === 'cut'
        ? { end: 'unknown', value, wasCommitted: true }
        : { end: 'committed', value }
    } catch (error) {
      if (!(error instanceof Cut)) throw error
      if (fate === 'lost') return { end: 'unknown', value: done!.value, wasCommitted: false }
      return { end: fate as 'conflict' | 'broken' }
    }
  }

  function drawFate({ faults }: Surroundings) {
    const { awayRate, brokenRate, conflictRate, unknownRate } = faults()
    if (random.chance(awayRate)) return 'unreachable'
    if (random.chance(brokenRate)) return 'broken'
    if (random.chance(conflictRate)) return 'conflict'
    if (random.chance(unknownRate)) return random.chance(0.5) ? 'cut' : 'lost'
    return 'fine'
  }

  return {
    ...inner,
    transaction: (work) => retry(() => attemptOnce(work), near),
    async find(tx, ids) {
      const found = await inner.find(tx, ids)
      for (const { scope } of found.values()) {
        happened(
          scope.startsWith('@')
            ? 'duplicate event dropped by the command log'
            : 'repeat of a command answered from the log',
        )
      }
      return found
    },
  }
}
