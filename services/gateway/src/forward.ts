import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, type Forward, notNow, type Request, refusalAnswer } from '@semel/http'
import { Pool } from 'undici'

/** Where a service is, and how long it is waited for. */
export type ForwardOptions = Readonly<{
  /** Its processes; each of them has any answer. */
  urls: readonly string[]
  /** How long a request is tried again while none can be reached, in ms. Default 10,000. */
  retryForMs?: number
  /** How long an answer may take to begin, in milliseconds. Default 30,000. */
  answerWithinMs?: number
  /** Requests that wait for an answer; more are refused at once. Default 4,096. */
  waitingMax?: number
  /** Told of every attempt that failed. Default: nobody is. */
  report?: (error: unknown) => void
}>

/** A way to a service, over connections that are kept. */
export type Forwarding = Readonly<{ forward: Forward; close(): Promise<void> }>

const connectionsMax = 128
const answerBytesMax = 64 * 2 ** 20
const pausesMs = [50, 100, 200]

/** Of one connection (RFC 9110, 7.6.1), or made anew for each. */
const ofConnection = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'content-length', 'expect'],
])

/** What surely was not sent; anything else may have arrived. */
const unsent = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  'UND_ERR_CONNECT_TIMEOUT',
])
const broken = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * Makes a way to a service. Requests are passed on as they were sent, and answers byte for byte;
 * fields of a connection are not.
 *
 * While the service is away or restarts, a request is sent again for a bounded time, also when the
 * connection broke midway: a query changes nothing, and a command has a key, or is refused for want
 * of one. After that it is 503 `unavailable`, whose effect is none where nothing can have arrived.
 */
export function createForwarding(options: ForwardOptions): Forwarding {
  const { urls, retryForMs = 10_000, answerWithinMs = 30_000, waitingMax = 4096 } = options
  const { report = () => undefined } = options
  const pools = urls.map(
    (url) =>
      new Pool(url, {
        ...{ connections: connectionsMax, pipelining: 1, allowH2: false },
        ...{ headersTimeout: answerWithinMs, bodyTimeout: answerWithinMs },
        maxResponseSize: answerBytesMax,
      }),
  )
  let turn = 0
  let waiting = 0

  const insist = async (method: string, request: Request): Promise<Answer> => {
    const deadlineMs = performance.now() + retryForMs
    let effect: 'none' | 'unknown' = 'none'
    for (let attempt = 1; ; attempt += 1) {
      turn = (turn + 1) % pools.length
      try {
        return await send(pools[turn]!, method, request)
      } catch (error) {
        report(error)
        const { code = '' } = error as NodeJS.ErrnoException
        if (!unsent.has(code) && method !== 'GET') effect = 'unknown'
        const pauseMs = pauseAfter(attempt, pools.length)
        const isOver = performance.now() + pauseMs >= deadlineMs
        if (isOver || !(unsent.has(code) || broken.has(code))) {
          return refusalAnswer(notNow(effect))
        }
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
      await Promise.all(pools.map((pool) => pool.close()))
    },
  }
}

/** None before all processes were tried, then longer ones. */
function pauseAfter(attempt: number, processes: number): number {
  const round = Math.floor(attempt / processes)
  return attempt % processes === 0 ? pausesMs[Math.min(round, pausesMs.length) - 1]! : 0
}

async function send(pool: Pool, method: string, request: Request): Promise<Answer> {
  const { statusCode, headers, body } = await pool.request({
    method: method as 'GET',
    path: request.url,
    headers: { ...carried(request.headers), 'x-request-id': request.id },
    body: request.body ?? null,
  })
  const bytes = Buffer.from(await body.arrayBuffer())
  return {
    status: statusCode,
    headers: carried(headers),
    body: bytes.length === 0 ? undefined : bytes,
  }
}

/** The fields that go on: all but those of a connection, and those that it names. */
function carried(fields: Request['headers']): Record<string, string> {
  const named = String(fields.connection ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) =>
      value === undefined || ofConnection.has(name) || named.includes(name)
        ? []
        : [[name, typeof value === 'string' ? value : value.join(', ')]],
    ),
  )
}
