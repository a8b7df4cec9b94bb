import { setTimeout as delay } from 'node:timers/promises'

/** Something without which no command would succeed; `check` rejects while it is missing. */
export type Check = Readonly<{ name: string; check(): Promise<void> }>

/** Options of {@link createReadiness}. */
export type ReadinessOptions = Readonly<{
  /** How long a check may take, in milliseconds. Default 2,000. */
  timeoutMs?: number
  /** A clock that never goes back, in milliseconds. Default `performance.now`. */
  nowMs?: () => number
}>

/** Whether a command would succeed, and if not, for want of what. */
export type Ready = Readonly<{ ready: boolean; faults: readonly string[] }>

/** What a health route asks. */
export type Readiness = Readonly<{
  /** Never rejects. */
  ready(): Promise<Ready>
  /** From now on not ready: load balancers turn away while work in flight is finished. */
  drain(): void
}>

const cachedMs = 250

/**
 * Makes a readiness of checks. However often it is asked, every check runs at most once at a time
 * and not again within 250 ms; one that hangs counts as failed until it ends.
 *
 * Faults name the check and the error's code, never its message, which may tell too much.
 */
export function createReadiness(
  checks: readonly Check[],
  { timeoutMs = 2_000, nowMs = () => performance.now() }: ReadinessOptions = {},
): Readiness {
  const judges = checks.map((check) => judgeOf(check, timeoutMs))
  let isDraining = false
  let judged: { atMs: number; verdict: Promise<Ready> } | undefined

  const judgeAll = async (): Promise<Ready> => {
    const faults = (await Promise.all(judges.map((judge) => judge()))).flat()
    return { ready: faults.length === 0, faults }
  }
  const judgeOnce = (): Promise<Ready> => {
    const verdict = judgeAll()
    const current = { atMs: Number.POSITIVE_INFINITY, verdict }
    judged = current
    // The age counts from the verdict on: until then, everybody waits for the same one.
    return verdict.finally(() => {
      current.atMs = nowMs()
    })
  }
  return {
    async ready() {
      if (isDraining) return { ready: false, faults: ['draining'] }
      const isFresh = judged !== undefined && nowMs() - judged.atMs < cachedMs
      const verdict = await (isFresh ? judged!.verdict : judgeOnce())
      return isDraining ? { ready: false, faults: ['draining'] } : verdict
    },
    drain() {
      isDraining = true
    },
  }
}

/** Runs a check unless it still runs: one that hangs is not started again and again. */
function judgeOf({ name, check }: Check, timeoutMs: number): () => Promise<string[]> {
  let running: Promise<string[]> | undefined
  return async () => {
    running ??= Promise.resolve()
      .then(check)
      .then(
        () => [],
        (error: unknown) => [`${name}: ${codeOf(error)}`],
      )
      .finally(() => {
        running = undefined
      })
    const timer = new AbortController()
    const late = delay(timeoutMs, [`${name}: no answer within ${timeoutMs} ms`], {
      signal: timer.signal,
    })
    const verdict = await Promise.race([running, late])
    late.catch(() => undefined)
    timer.abort()
    return verdict
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : 'failed'
}
