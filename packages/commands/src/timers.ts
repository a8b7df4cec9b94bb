/** Something that will run, unless it is cancelled. */
export type Timer = Readonly<{ cancel(): void }>

/**
 * How waiting comes into code that decides nothing by it: the process's own timers, or those of a
 * simulation, which runs what waits in any order it likes and can do so again.
 */
export type Timers = Readonly<{
  /** Milliseconds on a clock that only goes forward. */
  now(): number
  /** Runs something after the events at hand. */
  soon(run: () => void): void
  /** Runs something when so many milliseconds have passed; keeps no process from ending. */
  after(run: () => void, ms: number): Timer
}>

/** The timers of this process. */
export const processTimers: Timers = {
  now: () => performance.now(),
  soon: (run) => void setImmediate(run),
  after(run, ms) {
    const timeout = setTimeout(run, ms).unref()
    return { cancel: () => clearTimeout(timeout) }
  },
}

/** A promise's value, or undefined when it takes longer than the time given. */
export async function within<T>(
  timers: Timers,
  ms: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = timers.after(() => resolve(undefined), Math.max(0, ms))
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.cancel()
  }
}
