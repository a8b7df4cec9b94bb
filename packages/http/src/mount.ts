import type { Scope } from '@semel/commands'
import type { Identify } from './callers.ts'
import { commandRoute } from './command-route.ts'
import type { Answer, Headers, Request } from './exchange.ts'
import type { Face } from './face.ts'
import { queryRoute } from './query-route.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Publish } from './receipt.ts'

/** What is known of a request before its body is read: who sent it, under which key. */
export type Admission = Readonly<{ caller: Scope; key: string | undefined }>

/** An address, and what answers there; of no framework. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With parameters in braces, as in contracts. */
  readonly path: string
  /** Judges the header before the body is read; undefined where everybody is let in. */
  readonly admit?: (headers: Headers) => Answer | Admission | Promise<Answer | Admission>
  /** Answers; `admission` is there if `admit` is. */
  answer(request: Request, admission: Admission | undefined): Answer | Promise<Answer>
}

/** What routes need of the server they are mounted in. */
export interface MountContext {
  readonly identify: Identify
  readonly limit: RateLimit
  readonly clock: () => Date
  /** Takes commands whose clients would rather not wait; undefined: all of them wait. */
  readonly publish: Publish | undefined
  /** Whether a caller, known by `Authorization`, finds something at a path. */
  exists(path: string, authorization: string | undefined): Promise<boolean>
  /** Told of every error that is answered with `internal-error`, or hidden behind a refusal. */
  report(error: unknown): void
}

/** The routes of a face: one per command and query. */
export function mountFace(face: Face, context: MountContext): readonly Route[] {
  return [
    ...face.commands.map((mounted) => commandRoute(mounted, context)),
    ...face.queries.map((mounted) => queryRoute(mounted, context)),
  ]
}

/** Whether a route's path, with parameters in braces, is that of a request. */
export function matches(template: string, path: string): boolean {
  const wanted = template.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every(
      (part, index) => part === given[index] || (part.startsWith('{') && given[index] !== ''),
    )
  )
}
