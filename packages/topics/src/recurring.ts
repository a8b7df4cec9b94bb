/** A task that runs again and again, one run at a time. */
export interface Recurring {
  /** Runs it without waiting for its turn; again, when it is just running. */
  soon(): void
  /** As `soon`; resolves when a run that began after this call has ended. */
  now(): Promise<void>
  /** Resolves when it runs no more. */
  stop(): Promise<void>
}

/**
 * Makes a task that recurs once it was run for the first time by `soon` or `now`. `run` says how
 * many milliseconds to pause after it, `Infinity` for until it is asked for; so does `onError`
 * when it rejects.
 */
export function recurring(
  run: () => Promise<number>,
  onError: (error: unknown) => number,
): Recurring {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let queued: Promise<void> | undefined
  let stopped = false

  async function runOnce(): Promise<void> {
    clearTimeout(timer)
    const pauseMs = await run().catch(onError)
    running = undefined
    if (stopped || queued !== undefined || pauseMs === Infinity) return
    timer = setTimeout(() => void now(), pauseMs)
  }

  function start(): Promise<void> {
    queued = undefined
    running = stopped ? Promise.resolve() : runOnce()
    return running
  }

  function now(): Promise<void> {
    if (queued !== undefined) return queued
    if (running === undefined) return start()
    queued = running.then(start)
    return queued
  }

  return {
    soon: () => void now(),
    now,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await (queued ?? running)
    },
  }
}
