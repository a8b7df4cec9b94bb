import { processTimers, type Timer, type Timers, within } from './timers.ts'

/** What asking another process may cost. */
export type NeighbourLimits = Readonly<{
  /** How long an answer may take, in milliseconds; beyond, nothing is known. */
  budgetMs: number
  /** Failed questions in a row after which it is left alone. */
  failuresMax: number
  /** How long it is left alone before it is tried again, in milliseconds. */
  retryMs: number
}>

/** Another process, and how it is asked; `Link` is a connection to it, or several. */
export type NeighbourOptions<Link> = NeighbourLimits &
  Readonly<{
    /** Names it in what is reported. */
    name: string
    /** Opens a link; `failed` is told, not before this has returned, that it broke by itself. */
    open(failed: (error: unknown) => void): Link
    /** Resolves when an answer came over the link in time. */
    tryOut(link: Link): Promise<unknown>
    /** Resolves when all that was sent is answered, or will not be. Never rejects. */
    finish(link: Link): Promise<unknown>
    /** Ends a link at once, whatever is still on it. */
    drop(link: Link): void
    /** Told why it was left alone, once until it is back. */
    report: (error: unknown) => void
  }>

/** Another process that knows something, and may be away. */
export type Neighbour<Link> = Readonly<{
  /** Undefined while it is left alone. */
  link(): Link | undefined
  /** An answer that comes over the link, if it comes in time; else undefined. Never rejects. */
  ask<T extends {}>(link: Link, coming: Promise<T>): Promise<T | undefined>
  /** Waits for what is on its way, a second at most, and ends the link. */
  close(): Promise<void>
}>

const closeWithinMs = 1000

/** Says in one line what was left alone, and why. */
class LeftAlone extends Error {
  readonly code = 'left-alone'

  constructor(name: string, cause: unknown) {
    const { message, code } = cause as NodeJS.ErrnoException
    super(`${name} is left alone until it answers in time (${message || code})`)
  }
}

/**
 * Makes a neighbour. It is connected to by itself, and again: one that is away, slow, silent or
 * something else costs the budget a few times, and then nothing until a trial was answered in time.
 */
export function createNeighbour<Link>(options: NeighbourOptions<Link>): Neighbour<Link> {
  const { name, budgetMs, failuresMax, retryMs, report } = options
  let current: Link | undefined
  let isReady = false
  let isTold = false
  let failures = 0
  let retry: Timer | undefined

  function open() {
    const link = options.open((error) => leave(link, error))
    current = link
    failures = 0
    options.tryOut(link).then(
      () => {
        if (link !== current) return
        isReady = true
        isTold = false
      },
      (error) => leave(link, error),
    )
  }

  function leave(link: Link, cause: unknown) {
    if (link !== current) return
    current = undefined
    isReady = false
    options.drop(link)
    if (!isTold) report(new LeftAlone(name, cause))
    isTold = true
    retry = processTimers.after(open, retryMs)
  }

  open()
  return {
    link: () => (isReady ? current : undefined),
    async ask(link, coming) {
      try {
        const answer = await inTime(budgetMs, coming)
        failures = 0
        return answer
      } catch (error) {
        failures += 1
        if (failures >= failuresMax) leave(link, error)
        return undefined
      }
    },
    async close() {
      const link = current
      const wasReady = isReady
      current = undefined
      isReady = false
      retry?.cancel()
      if (link === undefined) return
      if (wasReady) await within(processTimers, closeWithinMs, options.finish(link))
      options.drop(link)
    },
  }
}

/** A promise's value. @throws when it takes longer than the time given. */
export async function inTime<T extends {}>(ms: number, promise: Promise<T>): Promise<T> {
  const value = await within(budgetTimers, ms, promise)
  if (value === undefined) throw new Error(`no answer within ${ms} ms`)
  return value
}

/**
 * The time of a question runs from when it has been written, at the end of this turn; and it is
 * late only when its answer was not among the events at hand when its time was up. A process that
 * is busy itself must not blame another for it.
 */
const budgetTimers: Timers = {
  ...processTimers,
  after(run, ms) {
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
    processTimers.soon(() => {
      const timer = processTimers.after(() => processTimers.soon(run), ms)
      void cancelled.then(timer.cancel)
    })
    return { cancel }
  },
}
