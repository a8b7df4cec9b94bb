import type { Answer, Request } from '@semel/http'
import { Pool } from 'undici'

/** What a process of a service is asked by. */
export type UpstreamOptions = Readonly<{
  url: string
  /** How long an answer may take to begin, in milliseconds. */
  answerWithinMs: number
  /**
   * After so many milliseconds in which requests wait and none is answered, it is asked whether it
   * lives at all, and has as long again to say so.
   */
  silenceMaxMs: number
  /** Told when it begins to hang. */
  report: (error: unknown) => void
}>

/** A process of a service, over connections that are kept. */
export type Upstream = Readonly<{
  /** Has it answer a request. Rejects with code `hangs` when it is found to hang meanwhile. */
  send(method: string, request: Request): Promise<Answer>
  /** It takes connections, and says nothing: it is left alone until it answers again. */
  hangs(): boolean
  close(): Promise<void>
}>

const connectionsMax = 128
/** A lost machine says nothing at all: another one may take the connection. */
const connectWithinMs = 2000
const answerBytesMax = 64 * 2 ** 20

/** Of one connection (RFC 9110, 7.6.1), or made anew for each. */
const ofConnection = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'content-length', 'expect'],
])

/**
 * Makes a way to a process. Slow answers are no fault, as long as it says that it lives: a service
 * whose database hangs says so itself in time. One that says nothing is given up: whoever waits for
 * it is told at once.
 */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { url, silenceMaxMs, report } = options
  let pool = makePool(options)
  let waiting = 0
  let heardMs = 0
  let isHanging = false
  let isAsked = false

  const isSilent = () => waiting > 0 && performance.now() - heardMs >= silenceMaxMs
  const look = async () => {
    if (isAsked || !(isHanging || isSilent())) return
    isAsked = true
    const isLive = await lives(url, silenceMaxMs)
    isAsked = false
    if (isLive) {
      isHanging = false
      heardMs = performance.now()
    } else if (!isHanging && isSilent()) leave()
  }
  const leave = () => {
    isHanging = true
    const cause = Object.assign(new Error(`${url} hangs, and is left alone`), { code: 'hangs' })
    report(cause)
    const left = pool
    pool = makePool(options)
    left.destroy(cause).catch(report)
  }
  const watch = setInterval(() => void look(), silenceMaxMs / 4).unref()
  return {
    hangs: () => isHanging,
    async send(method, request) {
      if (waiting === 0) heardMs = performance.now()
      waiting += 1
      try {
        return await send(pool, method, request)
      } finally {
        waiting -= 1
        heardMs = performance.now()
      }
    },
    async close() {
      clearInterval(watch)
      await pool.close()
    },
  }
}

function makePool({ url, answerWithinMs }: UpstreamOptions): Pool {
  return new Pool(url, {
    ...{ connections: connectionsMax, pipelining: 1, allowH2: false },
    connect: { timeout: connectWithinMs },
    ...{ headersTimeout: answerWithinMs, bodyTimeout: answerWithinMs },
    maxResponseSize: answerBytesMax,
  })
}

/**
 * Whether it says anything, over a connection that waits behind no other. One that is not there at
 * all does not hang: requests to it fail by themselves, and are sent again.
 */
async function lives(url: string, withinMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(withinMs)
    const answer = await fetch(new URL('/health/live', url), { signal, redirect: 'manual' })
    await answer.arrayBuffer()
    return true
  } catch (error) {
    return (error as Error).name !== 'TimeoutError'
  }
}

async function send(pool: Pool, method: string, request: Request): Promise<Answer> {
  const { statusCode, headers, body } = await pool.request({
    method: method as 'GET',
    path: request.url,
    headers: { ...carried(request.headers), 'x-request-id': request.id },
    body: request.body ?? null,
  })
  const bytes = Buffer.from(await body.arrayBuffer())
  if (statusCode > 599) throw new Error(`an answer with status ${statusCode}, which is none`)
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
