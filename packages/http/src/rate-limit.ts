import { AsyncLocalStorage } from 'node:async_hooks'
import type { Scope } from '@semel/commands'
import { type Answer, refusalAnswer } from './exchange.ts'
import { rateLimited, retryAfter } from './problems.ts'
import { createQuotas, type QuotaOptions, unitsPerCommand } from './quotas.ts'

/** What callers may ask for, and how time is told. */
export type RateLimitOptions = QuotaOptions &
  Readonly<{
    /** Milliseconds since anything, never back. Default: the monotonic clock of this process. */
    nowMs?: (() => number) | undefined
  }>

/** Answers with what `work` comes to, or without it where the caller is over the limit. */
export type RateLimit = (
  caller: Scope,
  kind: keyof typeof prices,
  work: () => Promise<Answer>,
) => Promise<Answer>

/** In units. What a request may come to is taken from its caller before, and then made exact. */
const prices = { command: unitsPerCommand, query: 1 }

/** Lets everybody ask for anything. */
export const unlimited: RateLimit = (_caller, _kind, work) => work()

/**
 * Makes a limit of what each caller may ask for.
 *
 * A command that is decided now, or taken for later, counts as one; a query, a repeat and whatever
 * else a command comes to as a tenth. What a request asks of its own server counts no more.
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { perMinute, burst = perMinute, nowMs = () => performance.now() } = options
  const quotas = createQuotas(options)
  const counted = new AsyncLocalStorage<true>()
  const policy = `"commands";q=${burst};w=${Math.ceil((burst * 60) / perMinute)}`
  const fieldsOf = (caller: Scope) => ({
    'ratelimit-policy': policy,
    ratelimit: `"commands";r=${Math.floor(quotas.left(caller, nowMs()) / unitsPerCommand)}`,
  })
  return async (caller, kind, work) => {
    if (counted.getStore() === true) return work()
    const waitMs = quotas.take(caller, prices[kind], nowMs())
    if (waitMs > 0) return limited(fieldsOf(caller), waitMs)
    const answer = await counted.run(true, work)
    quotas.giveBack(caller, prices[kind] - priceOf(answer))
    // A limit of the process behind speaks for itself where it is what stands in the way.
    if (answer.status === rateLimited.statuses[0]) return answer
    return { ...answer, headers: { ...answer.headers, ...fieldsOf(caller) } }
  }
}

function limited(fields: Readonly<{ ratelimit: string }>, waitMs: number): Answer {
  const wait = retryAfter(waitMs)
  const ratelimit = `${fields.ratelimit};t=${wait['retry-after']}`
  return refusalAnswer({ problem: rateLimited, headers: { ...fields, ...wait, ratelimit } })
}

/** By the answer alone, which another process may have given. */
function priceOf({ status, headers }: Answer): number {
  const isDecided = 'idempotency-expires' in headers && !('idempotent-replayed' in headers)
  return isDecided || status === 202 ? prices.command : prices.query
}
