import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

/** A request as a client of the shop means it. */
export type Asked = Readonly<{
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path?: string
  key?: string
  token?: string
  body?: object
  headers?: Readonly<Record<string, string>>
  signal?: AbortSignal
}>

/** What every repeat of a command is promised, to the byte. */
export type Answer = Readonly<{
  status: number
  headers: Readonly<Record<string, string | null>>
  body: string
}>

/** An answer, and what a repeat of it may say otherwise. */
export type Told = Readonly<{ answer: Answer; replayed: boolean; retryAfter: string | null }>

const replayedHeaders = ['content-type', 'location', 'etag', 'idempotency-expires']

/** The secret that the tokens of {@link tokenOf} are signed with. */
export const tokenSecret = 'a secret of at least thirty-two bytes'

/** A user's token. */
export function tokenOf(userId: string): Promise<string> {
  return new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('10m')
    .sign(Buffer.from(tokenSecret))
}

/**
 * Sends one request, once; what is not said otherwise is `POST /orders`.
 *
 * @throws TypeError when the connection breaks before the whole answer is there.
 */
export async function ask(url: string, asked: Asked): Promise<Told> {
  const { method = 'POST', path = '/orders', key, token, body, headers = {}, signal } = asked
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
  return {
    answer: {
      status: response.status,
      headers: Object.fromEntries(
        replayedHeaders.map((name) => [name, response.headers.get(name)]),
      ),
      body: await response.text(),
    },
    replayed: response.headers.get('idempotent-replayed') === 'true',
    retryAfter: response.headers.get('retry-after'),
  }
}

/** The members of an answer's body. */
// biome-ignore lint/suspicious/noExplicitAny: what the members are is what tests are about
export function bodyOf({ answer }: Told): any {
  return JSON.parse(answer.body)
}

/** How often each status was told. */
export function statusCounts(told: readonly Told[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { answer } of told) counts[answer.status] = (counts[answer.status] ?? 0) + 1
  return counts
}

/** An order of a user; `quantity` makes one content differ from another. */
export function orderOf(userId: string, quantity = 1, id?: string) {
  const lines = [{ sku: 'tea', quantity, unitPrice: 450 }]
  return { ...(id === undefined ? {} : { id }), userId, lines }
}

/** Any number of something. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** An id that no other test has. */
export function freshId(): string {
  return randomUUID()
}

/** An order without what billing decides about it, whenever that is. */
export function asPlaced(order: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { status: _, updatedAt: __, ...placed } = order
  return placed
}
