import type { Command } from './command.ts'
import { type Entry, turnedAway, type Verdict } from './fold.ts'
import type { Timer, Timers } from './timers.ts'

/** Limits of a batcher; see `ExecutorOptions`. */
export type BatcherLimits = Readonly<{
  batchSizeMax: number
  batchesMax: number
  queueMax: number
  queueWaitMaxMs: number
  timers: Timers
}>

/** Forms batches of what arrives while earlier ones are running. */
export interface Batcher<C extends Command> {
  /** What became of an entry. Full or closed: `unavailable`, without effect. */
  add(entry: Entry<C>): Promise<Verdict>
  hasRoom(): boolean
  /** Entries that wait for a batch. */
  waiting(): number
  /** Takes no more entries, and resolves when those it has taken have their verdicts. */
  close(): Promise<void>
}

interface Waiting<C extends Command> {
  readonly entry: Entry<C>
  readonly since: number
  readonly settle: (verdict: Verdict) => void
}

/** Makes a batcher. `run` gives a verdict for each entry of a batch, in order; it never rejects. */
export function createBatcher<C extends Command>(
  run: (entries: readonly Entry<C>[]) => Promise<readonly Verdict[]>,
  { batchSizeMax, batchesMax, queueMax, queueWaitMaxMs, timers }: BatcherLimits,
): Batcher<C> {
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
  const queue: Waiting<C>[] = []
  let watch: Timer | undefined
  let running = 0
  let scheduled = false
  let closed = false
  function schedule() {
    if (scheduled) return
    scheduled = true
    // After the events at hand: all that arrived in this turn of the loop shares a transaction.
    timers.soon(() => {
      scheduled = false
      startBatches()
      if (closed && running === 0) drain()
    })
  }

  function startBatches() {
    turnAwayLate()
    while (running < batchesMax && queue.length > 0) {
      const batch = queue.splice(0, batchSizeMax)
      running += 1
      void verdictsOf(run, batch).then((verdicts) => {
        running -= 1
        // First of all: the database then has work while the answers of this batch are written.
        startBatches()
        for (const [index, { settle }] of batch.entries()) settle(verdicts[index]!)
        if (closed) schedule()
      })
    }
  }

  function turnAwayLate() {
    const late = timers.now() - queueWaitMaxMs
    while (queue[0] !== undefined && queue[0].since < late) queue.shift()?.settle(turnedAway)
  }

  /** Behind a batch that hangs no other starts: then it is this timer that keeps the limit. */
  function watchQueue() {
    if (watch !== undefined || queue[0] === undefined) return
    const leftMs = Math.max(1, queue[0].since + queueWaitMaxMs - timers.now())
    watch = timers.after(() => {
      watch = undefined
      turnAwayLate()
      watchQueue()
    }, leftMs)
  }

  return {
    add(entry) {
      if (closed || queue.length >= queueMax) return Promise.resolve(turnedAway)
      const { promise, resolve } = Promise.withResolvers<Verdict>()
      queue.push({ entry, since: timers.now(), settle: resolve })
      schedule()
      watchQueue()
      return promise
    },
    hasRoom: () => !closed && queue.length < queueMax,
    waiting: () => queue.length,
    close() {
      closed = true
      schedule()
      return drained
    },
  }
}

/** Never rejects: a bug of ours is told to those who wait, and the next batch has its turn. */
async function verdictsOf<C extends Command>(
  run: (entries: readonly Entry<C>[]) => Promise<readonly Verdict[]>,
  batch: readonly Waiting<C>[],
): Promise<readonly Verdict[]> {
  try {
    return await run(batch.map(({ entry }) => entry))
  } catch (error) {
    return batch.map(() => ({ kind: 'failed', error }))
  }
}
