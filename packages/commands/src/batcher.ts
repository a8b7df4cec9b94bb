import type { Command } from './command.ts'
import type { Entry, Verdict } from './fold.ts'

/** Limits of a batcher; see `ExecutorOptions`. */
export type BatcherLimits = Readonly<{
  batchSizeMax: number
  batchesMax: number
  queueMax: number
  queueWaitMaxMs: number
}>

/** Forms batches of what arrives while earlier ones are running. */
export interface Batcher<C extends Command> {
  /** What became of an entry. Full or closed: `unavailable`, without effect. */
  add(entry: Entry<C>): Promise<Verdict>
  hasRoom(): boolean
  /** Takes no more entries, and resolves when those it has taken have their verdicts. */
  close(): Promise<void>
}

interface Waiting<C extends Command> {
  readonly entry: Entry<C>
  readonly since: number
  readonly settle: (verdict: Verdict) => void
}

const turnedAway: Verdict = { kind: 'unavailable', effect: 'none' }

/** Makes a batcher. `run` gives a verdict for each entry of a batch, in order; it never rejects. */
export function createBatcher<C extends Command>(
  run: (entries: readonly Entry<C>[]) => Promise<readonly Verdict[]>,
  { batchSizeMax, batchesMax, queueMax, queueWaitMaxMs }: BatcherLimits,
): Batcher<C> {
  const { promise: drained, resolve: drain } = Promise.withResolvers<void>()
  let queue: Waiting<C>[] = []
  let running = 0
  let scheduled = false
  let closed = false

  function schedule() {
    if (scheduled) return
    scheduled = true
    // After the events at hand: all that arrived in this turn of the loop shares a transaction.
    setImmediate(() => {
      scheduled = false
      startBatches()
      if (closed && running === 0) drain()
    })
  }

  function startBatches() {
    while (running < batchesMax && queue.length > 0) {
      const batch = queue.slice(0, batchSizeMax)
      queue = queue.slice(batchSizeMax)
      running += 1
      void settleAll(batch).finally(() => {
        running -= 1
        schedule()
      })
    }
  }

  async function settleAll(batch: readonly Waiting<C>[]): Promise<void> {
    const late = performance.now() - queueWaitMaxMs
    for (const { since, settle } of batch) if (since < late) settle(turnedAway)
    const timely = batch.filter(({ since }) => since >= late)
    if (timely.length === 0) return
    const verdicts = await run(timely.map(({ entry }) => entry))
    for (const [index, { settle }] of timely.entries()) settle(verdicts[index]!)
  }

  return {
    add(entry) {
      if (closed || queue.length >= queueMax) return Promise.resolve(turnedAway)
      const { promise, resolve } = Promise.withResolvers<Verdict>()
      queue.push({ entry, since: performance.now(), settle: resolve })
      schedule()
      return promise
    },
    hasRoom: () => !closed && queue.length < queueMax,
    close() {
      closed = true
      schedule()
      return drained
    },
  }
}
