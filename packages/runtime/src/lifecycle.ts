import { setTimeout as delay } from 'node:timers/promises'
import { createWhenThere, type WhenThere } from './when-there.ts'

/** Options of {@link createLifecycle}. */
export type LifecycleOptions = Readonly<{
  /** How long a stop may take in all, in milliseconds. Default 25,000: others kill at 30 s. */
  drainLimitMs?: number
  /** How long its start may wait for what may come yet, in milliseconds. Default 0. */
  waitMs?: number
  /** Hears, line by line, what an operator should know. Default: nobody does. */
  say?: (line: string) => void
}>

/** How a stop went: what did not end in time, and what failed while it ended. */
export type Stopped = Readonly<{ open: readonly string[]; faults: readonly string[] }>

/** What a process has opened, so that it can be ended in reverse order. */
export type Lifecycle = Readonly<{
  /**
   * Opens something that has to be ended. If a stop begins meanwhile, what was opened is ended
   * too, and this rejects, so that the start ends here.
   *
   * @throws {Stopping} when a stop has begun.
   * @throws whatever `start` threw.
   */
  open<Opened>(
    name: string,
    start: () => Promise<Opened>,
    stop: (opened: Opened) => Promise<void>,
  ): Promise<Opened>
  /** As `open`, for what is open already. @throws {Stopping} when the stop is over. */
  defer(name: string, stop: () => Promise<void>): void
  /**
   * Tries a step of the start again while what it needs may come yet, for `waitMs` from when the
   * lifecycle was made, and says what it waits for.
   *
   * @throws {Stopping} when a stop begins meanwhile.
   */
  whenThere: WhenThere
  /** Ends everything, last opened first. Whoever calls it again waits for the same stop. */
  stop(): Promise<Stopped>
  /**
   * Stops at SIGINT, SIGTERM or SIGHUP and exits: 0 when all was ended, else 1, saying what was
   * not. npm and the terminal both send the signal, so more of them within 2 s change nothing; a
   * later one is meant, and exits at once with 1.
   */
  stopOnSignals(): void
}>

/** The process is told to stop: what was to be opened is not. Code `stopping`. */
export class Stopping extends Error {
  readonly code = 'stopping'
}

type Step = Readonly<{ name: string; stop: () => Promise<void> }>

const repeatedSignalMs = 2_000

/** Of the limit, the part kept for those that come after one that hangs: four fifths may pass. */
const hangShare = 0.8

/** Makes a process's lifecycle. */
export function createLifecycle(options: LifecycleOptions = {}): Lifecycle {
  const { drainLimitMs = 25_000, waitMs = 0, say = () => undefined } = options
  const steps: Step[] = []
  const opening = new Set<Promise<unknown>>()
  const open = new Set<string>()
  const faults: string[] = []
  let stopping: Promise<Stopped> | undefined
  let isOver = false
  const stopped = new AbortController()

  const drain = async (): Promise<Stopped> => {
    const deadlineMs = performance.now() + drainLimitMs
    const hangDeadlineMs = performance.now() + drainLimitMs * hangShare
    const ends: Promise<unknown>[] = []
    for (;;) {
      await settledBy(hangDeadlineMs, [...opening])
      const step = steps.pop()
      if (step === undefined) break
      const end = endStep(step, faults).then(() => open.delete(step.name))
      ends.push(end)
      await settledBy(hangDeadlineMs, [end])
    }
    await settledBy(deadlineMs, [...ends, ...opening])
    isOver = true
    return { open: [...open], faults }
  }
  const stop = () => {
    stopped.abort(new Stopping('what is waited for is not needed: told to stop'))
    stopping ??= drain()
    return stopping
  }
  const defer = (name: string, end: () => Promise<void>) => {
    if (isOver) throw new Stopping(`${name} was opened after the stop`)
    open.add(name)
    steps.push({ name, stop: end })
  }
  return {
    defer,
    stop,
    whenThere: createWhenThere({ waitMs, say, signal: stopped.signal }),
    async open(name, start, end) {
      if (stopping !== undefined) throw new Stopping(`${name} is not opened: told to stop`)
      open.add(name)
      const started = start()
      const settled = started.then(
        (opened) => defer(name, () => end(opened)),
        () => void open.delete(name),
      )
      opening.add(settled)
      await settled.finally(() => opening.delete(settled))
      if (stopping !== undefined) throw new Stopping(`${name} is ended again: told to stop`)
      return started
    },
    stopOnSignals: () => listen(stop, () => [...open], say),
  }
}

async function endStep({ name, stop }: Step, faults: string[]): Promise<void> {
  try {
    await stop()
  } catch (error) {
    // The others have to be ended all the same; the fault is told at the end.
    faults.push(`${name}: ${(error as Error).message}`)
  }
}

/** Waits for all of them, but not beyond the deadline. */
async function settledBy(deadlineMs: number, ends: readonly Promise<unknown>[]): Promise<void> {
  const timer = new AbortController()
  const leftMs = Math.max(0, deadlineMs - performance.now())
  const late = delay(leftMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([Promise.allSettled(ends), late])
  timer.abort()
}

function listen(
  stop: () => Promise<Stopped>,
  openNow: () => readonly string[],
  say: (line: string) => void,
): void {
  let firstMs: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      say(`${signal}: stopping`)
      void stop().then(({ open, faults }) => exit(open, faults, say))
    } else if (nowMs - firstMs > repeatedSignalMs) {
      exit(openNow(), [`${signal} again`], say)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGHUP', onSignal)
  process.on('SIGTERM', onSignal)
}

function exit(
  open: readonly string[],
  faults: readonly string[],
  say: (line: string) => void,
): never {
  for (const fault of faults) say(`not stopped cleanly: ${fault}`)
  if (open.length > 0) say(`not stopped in time, still open: ${open.join(', ')}`)
  process.exit(open.length + faults.length === 0 ? 0 : 1)
}
