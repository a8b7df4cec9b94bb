import type { Executor, Scope } from '@semel/commands'
import type { AnyCommandContract, AnyQueryContract } from '@semel/contract'
import type { Answer, Request } from './exchange.ts'

/** Has another process answer a request, as it was sent. */
export type Forward = (method: string, request: Request) => Promise<Answer>

/** A command, and who decides it: an executor here, or another process. */
export type MountedCommand = Readonly<
  { contract: AnyCommandContract } & ({ executor: Executor } | { forward: Forward })
>

/**
 * What a query comes to: a body, with headers that its contract declares, or a problem of the
 * contract (or `request-invalid`).
 */
export type QueryAnswer = Readonly<
  | { body: Readonly<Record<string, unknown>>; headers?: Readonly<Record<string, string>> }
  | { problem: string; members?: Readonly<Record<string, unknown>> }
>

/** A query that is answered here. Its parameters are valid when it is asked. */
export type AnsweredQuery = Readonly<{
  contract: AnyQueryContract
  // biome-ignore lint/suspicious/noExplicitAny: each query has parameters of its own
  answer(caller: Scope, parameters: any): Promise<QueryAnswer>
}>

/** A query, and who answers it: somebody here, or another process. */
export type MountedQuery =
  | AnsweredQuery
  | Readonly<{ contract: AnyQueryContract; forward: Forward }>

/** What a service shows to the outside. */
export type Face = Readonly<{
  name: string
  commands: readonly MountedCommand[]
  queries: readonly MountedQuery[]
  /** Resolves when a command would succeed now; otherwise rejects with the reason. */
  ready(): Promise<void>
}>
