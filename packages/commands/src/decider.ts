import type { Accepted, Outgoing, Refused } from '@semel/contract'
import type { Command } from './command.ts'

/** What a decision tells other services, in its envelope; it gets a position at its commit. */
export type Message = Readonly<
  Outgoing & {
    id: string
    /** The service that tells it. */
    source: string
    /** When it was decided. For people and clocks: nothing is ordered by it. */
    time: Date
    /** Who asked for the command that told this. */
    scope: string
    /** The id of the command that told this. */
    commandId: string
    /** The W3C trace context of that command. */
    traceparent?: string
  }
>

/** What was decided: the state after it, the answer, and what is told. Refused: state unchanged. */
export type Decision<State> = Readonly<{
  state: State
  outcome: Accepted | Refused
  messages: readonly Outgoing[]
}>

/**
 * Decides commands over one kind of aggregate. Pure: no clock, no randomness, no I/O; time and ids
 * come with the command. It cannot tell who called it, or whether anybody did before.
 */
export interface Decider<State, C extends Command> {
  /** What is locked, folded and saved as one. */
  aggregateId(command: C): string
  decide(state: State, command: C): Decision<State>
}

/**
 * Loads and saves aggregates, set-based, inside the executor's transaction.
 *
 * `load` locks every row that will change, in the order of ids, and returns a state for every id
 * asked, also for an absent one. Anything that is not locked is read in a *later* statement: after
 * a lock wait, rows that a statement did not lock still come from its old snapshot. What does not
 * exist cannot be locked: two that create it meet at its primary key, and one is run again.
 *
 * `save` sends all its statements before it first waits for one: the command log and the outbox
 * are written right behind it, and locks must be taken in one order everywhere. It may resolve when
 * they are sent (`tx.send` of `@semel/postgres`): they succeed, or nothing of the batch is
 * committed. A reply that it looks at, it waits for; COMMIT is sent when `save` has resolved.
 */
export interface Repository<State, C extends Command, Tx> {
  load(tx: Tx, ids: readonly string[], commands: readonly C[]): Promise<Map<string, State>>
  save(tx: Tx, changed: readonly State[]): Promise<void>
}

/** A decision for: the state after it, the body of the answer, and what is told. */
export function accept<State>(
  state: State,
  body: Readonly<Record<string, unknown>>,
  messages: readonly Outgoing[] = [],
  status?: number,
): Decision<State> {
  const outcome: Accepted = { kind: 'accepted', body, ...(status === undefined ? {} : { status }) }
  return { state, outcome, messages }
}

/** A decision against: a declared problem with its members. The state stays as it is. */
export function refuse<State>(
  state: State,
  problem: string,
  members: Readonly<Record<string, unknown>> = {},
  more: Pick<Refused, 'status' | 'location'> = {},
): Decision<State> {
  return { state, outcome: { kind: 'refused', problem, members, ...more }, messages: [] }
}
