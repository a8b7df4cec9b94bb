import { setTimeout as timer } from 'node:timers/promises'
import type { Store, Swept } from './store.ts'

/** How a sweep goes about it: in small batches, so that nobody waits for it. */
export type SweepPace = Readonly<{
  /** Rows per statement, at most. Default 1,000. */
  batchSizeMax?: number
  /** Statements of one kind in a sweep, at most; the next sweep goes on. Default 10,000. */
  batchesMax?: number
  /** Pause between two statements, in milliseconds. Default 20. */
  pauseMs?: number
}>

/** How long commands are remembered, and how a sweep of the command log goes about it. */
export type RetentionOptions = SweepPace &
  Readonly<{
    /** How long a command is remembered at all, in milliseconds. Default 30 days. */
    rememberedMs?: number
    /** What was decided since then is remembered, however long ago that is. Default: nothing. */
    neededSince?: Date
    clock?: () => Date
  }>

/** Something to be swept now and then; it ends early when `signal` aborts. */
export type Sweep = (signal: AbortSignal) => Promise<unknown>

const dayMs = 24 * 60 * 60 * 1000

/** How long commands are remembered where nothing else is set, in milliseconds: 30 days. */
export const usualRememberedMs = 30 * dayMs

/**
 * Ages the command log once: answers that are no longer replayable become tombstones (id and
 * fingerprint), tombstones older than `rememberedMs` are forgotten. In batches, until none is due,
 * `batchesMax` have been swept, or `signal` aborts. May run in several processes at once.
 */
export async function sweepCommands(
  store: Pick<Store<unknown>, 'sweep'>,
  options: RetentionOptions = {},
  signal?: AbortSignal,
): Promise<Swept> {
  const { rememberedMs = usualRememberedMs, clock = () => new Date(), neededSince } = options
  const now = clock()
  const decidedBefore = new Date(
    Math.min(now.getTime() - rememberedMs, neededSince?.getTime() ?? Number.POSITIVE_INFINITY),
  )
  const total = { answers: 0, tombstones: 0 }
  const sweepBatch = async (batchSizeMax: number) => {
    const swept = await store.sweep({ replayableBefore: now, decidedBefore, batchSizeMax })
    total.answers += swept.answers
    total.tombstones += swept.tombstones
    return Math.max(swept.answers, swept.tombstones)
  }
  await sweepInBatches(sweepBatch, options, signal)
  return total
}

/**
 * Sweeps batch after batch until one is not full, `batchesMax` have been swept, or `signal` aborts.
 *
 * @returns how many rows the batches say they were, together.
 */
export async function sweepInBatches(
  sweepBatch: (batchSizeMax: number) => Promise<number>,
  { batchSizeMax = 1000, batchesMax = 10_000, pauseMs = 20 }: SweepPace = {},
  signal?: AbortSignal,
): Promise<number> {
  let total = 0
  for (let batch = 0; batch < batchesMax && signal?.aborted !== true; batch += 1) {
    const swept = await sweepBatch(batchSizeMax)
    total += swept
    if (swept < batchSizeMax) break
    await timer(pauseMs)
  }
  return total
}

/**
 * Sweeps now and then until stopped: one sweep at a time, the next a pause after the last. One that
 * fails holds up no other, and is tried again in its turn.
 *
 * `everyMs`: the pause, in milliseconds; default one minute. `report`: told of sweeps that failed.
 */
export function startSweeper(
  sweeps: readonly Sweep[],
  options: Readonly<{
    everyMs?: number
    report?: ((error: unknown) => void) | undefined
  }> = {},
): { stop(): Promise<void> } {
  const { everyMs = 60_000, report = () => {} } = options
  const stopping = new AbortController()
  let due: NodeJS.Timeout | undefined
  let sweeping: Promise<void> = Promise.resolve()
  const sweepAll = async () => {
    for (const sweep of sweeps) {
      if (!stopping.signal.aborted) await sweep(stopping.signal).catch(report)
    }
  }
  const again = () => {
    if (stopping.signal.aborted) return
    due = setTimeout(() => {
      sweeping = sweepAll().finally(again)
    }, everyMs)
    due.unref()
  }
  again()
  return {
    async stop() {
      stopping.abort()
      clearTimeout(due)
      await sweeping
    },
  }
}
