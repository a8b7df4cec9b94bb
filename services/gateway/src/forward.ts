import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Forward, notNow, type Request, refusalAnswer } from '@semel/http'
import { createUpstream, type Upstream } from './upstream.ts'

/** Where a service is, and how long it is waited for. */
export type ForwardOptions = Readonly<{
  /** Its processes; each of them has any answer. */
  urls: readonly string[]
  /** How long a request is tried again while none can be reached, in ms. Default 10,000. */
  retryForMs?: number
  /**
   * How long an answer may take to begin, in milliseconds; then the request is sent once more, and
   * may take as long again. Default 15,000.
   */
  answerWithinMs?: number
  /**
   * How long a process may say nothing while requests wait for it, before it is asked whether it
   * lives, and then again before it is left alone, in milliseconds. Default 2,000.
   */
  silenceMaxMs?: number
  /** Requests that wait for an answer; more are refused at once. Default 4,096. */
  waitingMax?: number
  /** Told of every attempt that failed. Default: nobody is. */
  report?: (error: unknown) => void
}>

/** A way to a service, over connections that are kept. */
export type Forwarding = Readonly<{ forward: Forward; close(): Promise<void> }>

const pausesMs = [50, 100, 200]

/** What surely was not sent; anything else may have arrived. */
const unsent = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  'UND_ERR_CONNECT_TIMEOUT',
])
const broken = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'hangs'])
const late = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

/**
 * Makes a way to a service. Requests are passed on as they were sent, and answers byte for byte;
 * fields of a connection are not.
 *
 * While the service is away or restarts, a request is sent again for a bounded time, also when the
 * connection broke midway: a query changes nothing, and a command has a key, or is refused for want
 * of one. After that it is 503 `unavailable`, whose effect is none where nothing can have arrived.
 *
 * A process that hangs is found out and left alone: what waits for it is sent to another one. Where
 * all of them hang, the answer is 503 at once. Of several processes behind one address, one that
 * hangs cannot be told from one that is slow: what it does not answer in time is sent once more,
 * over another connection.
 */
export function createForwarding(options: ForwardOptions): Forwarding {
  const { urls, retryForMs = 10_000, answerWithinMs = 15_000, waitingMax = 4096 } = options
  const { silenceMaxMs = 2000, report = () => undefined } = options
  const upstreams = urls.map((url) => createUpstream({ url, answerWithinMs, silenceMaxMs, report }))
  let turn = 0
  let waiting = 0

  const next = (): Upstream | undefined => {
    for (const _ of upstreams) {
      turn = (turn + 1) % upstreams.length
      if (!upstreams[turn]!.hangs()) return upstreams[turn]
    }
    return undefined
  }
  const insist = async (method: string, request: Request): Promise<Answer> => {
    const deadlineMs = performance.now() + retryForMs
    let effect: 'none' | 'unknown' = 'none'
    let wasLate = false
    for (let attempt = 1; ; attempt += 1) {
      const upstream = next()
      if (upstream === undefined) return refusalAnswer(notNow(effect))
      try {
        return await upstream.send(method, request)
      } catch (error) {
        report(error)
        const { code = '' } = error as NodeJS.ErrnoException
        if (!unsent.has(code) && method !== 'GET') effect = 'unknown'
        const pauseMs = pauseAfter(attempt, upstreams.length)
        const isLate = late.has(code)
        const isOver = isLate ? wasLate : performance.now() + pauseMs >= deadlineMs
        if (isOver || !(isLate || unsent.has(code) || broken.has(code))) {
          return refusalAnswer(notNow(effect))
        }
        wasLate ||= isLate
        await delay(pauseMs)
      }
    }
  }
  return {
    async forward(method, request) {
      if (waiting >= waitingMax) return refusalAnswer(notNow('none'))
      waiting += 1
      return insist(method, request).finally(() => {
        waiting -= 1
      })
    },
    async close() {
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}

/** None before all processes were tried, then longer ones. */
function pauseAfter(attempt: number, processes: number): number {
  const round = Math.floor(attempt / processes)
  return attempt % processes === 0 ? pausesMs[Math.min(round, pausesMs.length) - 1]! : 0
}
