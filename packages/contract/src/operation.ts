import { type Static, type TObject, type TProperties, Type } from 'typebox'
import type { EventContract } from './event.ts'
import { exampleOf } from './example.ts'
import type { ProblemContract } from './problem.ts'

/** One way a command can be accepted: its HTTP status, its body, and what the headers say of it. */
export interface AcceptedAnswer {
  readonly status: number
  readonly description: string
  readonly body: TObject
  readonly example: unknown
}

/** What a header is computed from: the command as submitted, and the body of its answer. */
export interface Subject<Input> {
  readonly id: string
  readonly input: Input
}

/**
 * What can be asked of a service, as its decider knows it: a name, an input, and how it can be
 * answered. It has no address: a `command()` has one besides; a `reaction()` comes from a topic.
 */
export interface OperationContract<
  Operation extends string = string,
  Input extends TObject = TObject,
> {
  readonly operation: Operation
  readonly summary: string
  readonly input: Input
  /** Where the resource lives that is made or changed; undefined where none has an address. */
  // biome-ignore lint/suspicious/noExplicitAny: the input's type is that of the contract
  readonly resource: ((command: Subject<any>) => string) | undefined
  /** The entity tag of an accepted body, quotes included; undefined where there is none. */
  readonly etag: ((body: Readonly<Record<string, unknown>>) => string) | undefined
  /** The first is the default. A 201 carries `Location`. */
  readonly accepted: readonly [AcceptedAnswer, ...AcceptedAnswer[]]
  /** Problems the decider may refuse with. */
  readonly refusals: readonly ProblemContract[]
  /** A valid input, whole. */
  readonly example: unknown
}

// biome-ignore lint/suspicious/noExplicitAny: contracts of any shape are listed together
export type AnyOperationContract = OperationContract<string, any>

/** The input of a contract's command, as a decider sees it. */
export type InputOf<Contract extends AnyOperationContract> = Static<Contract['input']>

/**
 * What a service does about an event: an operation with the event's type as name and its body as
 * input. Its answer is empty: nobody waits for it, and it is kept so that it happens once.
 */
export function reaction<const Name extends string, Body extends TProperties>(
  event: EventContract<Name, Body>,
): OperationContract<Name, TObject<Body>> {
  const done = { status: 200, description: 'Taken note of.', body: Type.Object({}), example: {} }
  return {
    operation: event.type,
    summary: event.summary,
    input: event.body,
    resource: undefined,
    etag: undefined,
    accepted: [done],
    refusals: [],
    example: event.example ?? exampleOf(event.body),
  }
}
