import type { Store, Swept } from './store.ts'

/** How long commands are remembered, and how the sweeper goes about it. */
export type RetentionOptions = Readonly<{
  /** How long a command is remembered at all, in milliseconds. Default 30 days. */
  rememberedMs?: number
  /** Records per statement, at most: small, so that no command waits for a sweep. Default 1,000. */
  batchSizeMax?: number
  /** Statements of one sweep, at most; the next sweep goes on. Default 1,000. */
  batchesMax?: number
  /** Pause between two sweeps, in milliseconds. Default one minute. */
  everyMs?: number
  clock?: () => Date
  /** Told of a sweep that failed; the next one tries again. */
  onError?: (error: unknown) => void
}>

const day = 24 * 60 * 60 * 1000

/**
 * Ages the command log once: answers that are no longer replayable become tombstones (id and
 * fingerprint), tombstones older than `rememberedMs` are forgotten. In batches, until none is due,
 * `batchesMax` have been swept, or `signal` aborts.
 */
export async function sweepCommands(
  store: Pick<Store<unknown>, 'sweep'>,
  options: RetentionOptions = {},
  signal?: AbortSignal,
): Promise<Swept> {
  const { rememberedMs = 30 * day, batchSizeMax = 1000, batchesMax = 1000 } = options
  const { clock = () => new Date() } = options
  const now = clock()
  const decidedBefore = new Date(now.getTime() - rememberedMs)
  let answers = 0
  let tombstones = 0
  for (let batch = 0; batch < batchesMax && signal?.aborted !== true; batch += 1) {
    const swept = await store.sweep({ replayableBefore: now, decidedBefore, batchSizeMax })
    answers += swept.answers
    tombstones += swept.tombstones
    if (swept.answers < batchSizeMax && swept.tombstones < batchSizeMax) break
  }
  return { answers, tombstones }
}

/** Sweeps now and then, one sweep at a time, until stopped. */
export function startSweeper(
  store: Pick<Store<unknown>, 'sweep'>,
  options: RetentionOptions = {},
): { stop(): Promise<void> } {
  const { everyMs = 60_000, onError = () => {} } = options
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> = Promise.resolve()
  const again = () => {
    if (stopping.signal.aborted) return
    timer = setTimeout(() => {
      sweeping = sweepCommands(store, options, stopping.signal)
        .then(() => {}, onError)
        .finally(again)
    }, everyMs)
    timer.unref()
  }
  again()
  return {
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await sweeping
    },
  }
}
