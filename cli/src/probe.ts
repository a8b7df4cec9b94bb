import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { printable, StartError, type WhenThere } from '@semel/runtime'
import { OperatorError, usageError } from './operator-error.ts'
import { shortened } from './print.ts'
import { tokenOf } from './token.ts'
import { waitingUpTo } from './wait.ts'

/** What is probed: an address without a slash at its end, and how long it may take to be there. */
export type ProbeOptions = Readonly<{ url: string; wait: number }>

/** A promise, what it says, and what was seen. */
type Step = Readonly<{ name: string; promise: string; expected: Seen; found: Seen }>
type Seen = Readonly<Record<string, unknown>>

type Asked = Readonly<{ method: 'GET' | 'POST'; path: string; key?: string; body?: object }>
type Told = Readonly<{ status: number; headers: Seen; body: string; replayed: string | null }>
type Ask = (asked: Asked) => Promise<Told>

const answerWithinMs = 15_000
/** Who is told these is to send the same again, under the same key. */
const laterStatuses = [429, 502, 503, 504]
/** Of an answer: every repeat has them with the same values. */
const replayedHeaders = ['content-type', 'location', 'etag', 'idempotency-expires']
const shownMax = 200

/**
 * Sends one command twice to a running Semel, whatever part of it is at the address, and tells
 * step by step whether it took effect once. What it makes stays: an order, or an account with one
 * deposit, of a user whom nobody else knows.
 *
 * @returns the steps up to the first that does not hold, and whether all do.
 * @throws {ConfigError | StartError | OperatorError} what a user can mend; `not-running`, where it
 * cannot be reached or does not answer, `not-found`, where it is no Semel.
 */
export async function probe(
  env: Readonly<Record<string, string | undefined>>,
  { url, wait }: ProbeOptions,
): Promise<{ text: string; holds: boolean }> {
  const caller = { operator: 'probe' }
  const token = tokenOf(env, { caller, hours: 1, now: new Date() })
  const ask = askOf(url, token, waitingUpTo(wait))
  const lines: string[] = []
  for await (const step of stepsOf(url, ask)) {
    const holds = isDeepStrictEqual(step.expected, step.found)
    lines.push(`${holds ? 'ok  ' : 'FAIL'}  ${step.name}: ${step.promise}${differences(step)}\n`)
    if (!holds) return { text: lines.join(''), holds }
  }
  return { text: lines.join(''), holds: true }
}

async function* stepsOf(url: string, ask: Ask): AsyncGenerator<Step> {
  const { status } = await ask({ method: 'GET', path: '/health/ready' })
  yield answered('ready', `${url} is ready`, 200, { status })
  const offered = await operationsAt(url, ask)
  const userId = randomUUID()
  const queries = [`/notifications?userId=${userId}`, '/messages?operation=place-order&key=probe']
  if (offered.includes('post /orders')) return yield* placeOnce(ask, userId)
  if (offered.includes('post /accounts')) return yield* depositOnce(ask, userId)
  const path = queries.find((query) => offered.includes(`get ${query.split('?')[0]}`))
  if (path === undefined) throw noSemel(url)
  yield answered('answers', `GET ${path} is answered`, 200, await ask({ method: 'GET', path }))
}

async function* placeOnce(ask: Ask, userId: string): AsyncGenerator<Step> {
  const body = { userId, lines: [{ sku: 'probe', quantity: 1, unitPrice: 1 }] }
  yield* sendTwice(ask, '/orders', body)
  yield* lists(ask, 'order', `/orders?userId=${userId}`)
}

async function* depositOnce(ask: Ask, userId: string): AsyncGenerator<Step> {
  yield* sendTwice(ask, '/accounts', { userId, name: 'probe' })
  yield* sendTwice(ask, `/accounts/${userId}/deposits`, { amount: 1 })
  yield* lists(ask, 'entry', `/accounts/${userId}/entries`)
}

async function* sendTwice(ask: Ask, path: string, body: object): AsyncGenerator<Step> {
  const command = { method: 'POST', path, key: `probe-${randomUUID()}`, body } as const
  const first = await ask(command)
  yield answered('decided', `POST ${path} is decided`, 201, first)
  const promise = 'the same again gets the same answer, and says so'
  yield {
    name: 'replayed',
    promise,
    expected: { ...first, replayed: 'true' },
    found: await ask(command),
  }
}

async function* lists(ask: Ask, what: string, path: string): AsyncGenerator<Step> {
  const { status, body } = await ask({ method: 'GET', path })
  const found = { status, count: memberOf(body, 'items', 'length') }
  const expected = { status: 200, count: 1 }
  yield { name: 'once', promise: `GET ${path} lists one ${what}`, expected, found }
}

function answered(
  name: string,
  promise: string,
  expected: number,
  { status, body = '' }: Readonly<{ status: number; body?: string }>,
): Step {
  const problem = status === expected ? undefined : memberOf(body, 'type')
  return {
    name,
    promise,
    expected: { status: expected, problem: undefined },
    found: { status, problem },
  }
}

/** What the address offers, as `post /orders`. */
async function operationsAt(url: string, ask: Ask): Promise<readonly string[]> {
  const { body } = await ask({ method: 'GET', path: '/openapi.json' })
  const paths = memberOf(body, 'paths')
  if (typeof paths !== 'object' || paths === null) throw noSemel(url)
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations ?? {}).map((method) => `${method} ${path}`),
  )
}

/** Asks until there is an answer that is no "later", as a client does, or the time is over. */
function askOf(url: string, token: string | undefined, whenThere: WhenThere): Ask {
  return (asked) =>
    whenThere(async () => {
      const told = await send(url, token, asked)
      const { status, body } = told
      const problem = memberOf(body, 'type')
      if (status === 401) {
        throw usageError(
          `${url} asks for another token (${memberOf(body, 'detail')}): set AUTH_JWT_SECRET to what ` +
            'its processes have, with AUTH_ISSUER and AUTH_AUDIENCE where they have them',
        )
      }
      if (!laterStatuses.includes(status) && problem !== '/problems/in-flight') return told
      const { method, path } = asked
      throw away(`${url} answers ${status} to ${method} ${path} (${problem ?? shown(body)}); `)
    })
}

async function send(url: string, token: string | undefined, asked: Asked): Promise<Told> {
  const { method, path, key, body } = asked
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { status, headers } = response
    const seen = replayedHeaders.map((name) => [name, headers.get(name)])
    const replayed = headers.get('idempotent-replayed')
    return { status, headers: Object.fromEntries(seen), body: await response.text(), replayed }
  } catch (error) {
    const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
    throw away(`${url} cannot be reached (${cause?.message || cause?.code || message}); `, error)
  }
}

function away(what: string, cause?: unknown): StartError {
  const advice = 'check the address and what its processes print, or wait for it: --wait <seconds>'
  return new StartError('not-running', printable(what + advice), { cause, mayCome: true })
}

function noSemel(url: string): OperatorError {
  return new OperatorError(
    'not-found',
    `${url} is no Semel: its /openapi.json has none of orders, accounts, notifications, messages`,
  )
}

/** A member of a JSON document, by its way there; undefined where there is none. */
function memberOf(json: string, ...way: readonly string[]): unknown {
  try {
    return way.reduce((value, name) => value?.[name], JSON.parse(json))
  } catch {
    return undefined
  }
}

function differences({ expected, found }: Step): string {
  return Object.keys(expected)
    .filter((name) => !isDeepStrictEqual(expected[name], found[name]))
    .map((name) => `; ${name}: expected ${shown(expected[name])}, found ${shown(found[name])}`)
    .join('')
}

function shown(value: unknown): string {
  return printable(
    shortened(typeof value === 'string' ? value : `${JSON.stringify(value)}`, shownMax),
  )
}
