import { type ProblemContract, problemBody } from '@semel/contract'

/** Header fields: names in lower case, repeated lines, of whatever field, joined by `, `. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** A request, as far as routes look at it. The body is what was sent, unparsed. */
export type Request = Readonly<{
  /** What every answer to it, and every line about it, is marked with. */
  id: string
  /** The target as it was sent: path and query. */
  url: string
  params: Readonly<Record<string, string>>
  query: Readonly<Record<string, string | readonly string[]>>
  headers: Headers
  body: Buffer | undefined
}>

/** An answer, ready to be sent. */
export type Answer = Readonly<{
  status: number
  headers: Readonly<Record<string, string>>
  body: Buffer | string | undefined
}>

/** Something wrong with a request: which part, an RFC 6901 pointer into it, and what. */
export type RequestFault = Readonly<{
  in: 'body' | 'path' | 'query' | 'header'
  pointer: string
  detail: string
}>

/** A problem that a request met before anything was decided; rendered by {@link refusalAnswer}. */
export type Refusal = Readonly<{
  problem: ProblemContract
  members?: Readonly<Record<string, unknown>>
  headers?: Readonly<Record<string, string>>
}>

/** A header field, as one text; undefined if absent. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** Renders a refusal; it is never to be stored by a cache. */
export function refusalAnswer({ problem, members, headers }: Refusal): Answer {
  return {
    status: problem.statuses[0],
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...headers,
    },
    // Bytes: to text, the framework would append a charset that this media type does not have.
    body: Buffer.from(JSON.stringify(problemBody(problem, members))),
  }
}

/** Renders an answer in JSON. */
export function jsonAnswer(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}
