import { setTimeout as delay } from 'node:timers/promises'
import { StartError } from './start-error.ts'

/** Does something as soon as what it needs is there. */
export type WhenThere = <Done>(work: () => Promise<Done>) => Promise<Done>

/** For how long is waited, and who hears of it. */
export type WaitOptions = Readonly<{
  /** For all that is waited for together, in milliseconds from now on; 0: nothing is. */
  waitMs: number
  /** Hears for what is waited, once, and again when that changes. */
  say: (line: string) => void
  /** Ends the wait at once, with its reason. Default: nothing does. */
  signal?: AbortSignal
}>

const triedEveryMs = 250

/**
 * Makes what tries work again, every 250 ms, while it fails for want of what may come yet (a
 * `StartError` with `mayCome`). When the time is over, the last failure stands; every other one
 * stands at once.
 */
export function createWhenThere({ waitMs, say, signal }: WaitOptions): WhenThere {
  const deadlineMs = performance.now() + waitMs
  let told = ''
  return async (work) => {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        const leftMs = deadlineMs - performance.now()
        if (!(error instanceof StartError && error.mayCome) || leftMs < triedEveryMs) throw error
        if (error.message !== told)
          say(`waiting up to ${Math.ceil(leftMs / 1000)} s: ${error.message}`)
        told = error.message
        await delay(triedEveryMs, undefined, signal === undefined ? {} : { signal }).catch(() => {})
        signal?.throwIfAborted()
      }
    }
  }
}
