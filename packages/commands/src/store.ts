import type { Rendered } from '@semel/contract'
import type { Command, CommandId } from './command.ts'
import type { Fingerprint } from './fingerprint.ts'

/** A decided command, as the command log keeps it. */
export type CommandRecord = Readonly<{
  id: CommandId
  scope: string
  operation: string
  key: string
  fingerprint: Fingerprint
  /** Undefined in a tombstone: the command was decided, its answer is no longer kept. */
  answer: Rendered | undefined
  decidedAt: Date
  replayableUntil: Date
}>

/**
 * The command log and the transaction it shares with the effect.
 *
 * `transaction` is the only thing that retries one. It resolves an unknown COMMIT by running `work`
 * again, until what the first attempt left is seen; it does the same for a conflict with another
 * transaction, a bounded number of times. `work` must therefore do nothing but speak to `tx`.
 *
 * A store passes the suite of `@semel/commands/conformance`.
 */
export interface Store<Tx> {
  /**
   * Runs `work` and commits. What it resolves to has been committed, with all that `work` sent,
   * whether it waited for the replies or not.
   *
   * @throws {Unavailable} when it could not be committed, or cannot be known to be.
   * @throws whatever `work` threw, after rolling back.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  find(tx: Tx, ids: readonly CommandId[]): Promise<Map<CommandId, CommandRecord>>
  /**
   * Writes records; it may resolve when they are sent. Where one of the commands was decided
   * meanwhile, nothing is committed and `work` is run again: told by {@link DuplicateCommand} from
   * here if it is known at once, else by the end of the transaction.
   *
   * @throws {DuplicateCommand} when one of the commands is known to be decided already.
   */
  insert(tx: Tx, records: readonly CommandRecord[]): Promise<void>
  /**
   * Takes the answers from records that stopped being replayable before `replayableBefore`, and
   * deletes tombstones decided before `decidedBefore`; at most `batchSizeMax` of each.
   */
  sweep(ages: SweepAges): Promise<Swept>
  /** Resolves when a command could be committed now. @throws {Unavailable} when it could not. */
  probe(): Promise<void>
}

/** What a sweep may age, and how much of it at once. */
export type SweepAges = Readonly<{
  replayableBefore: Date
  decidedBefore: Date
  batchSizeMax: number
}>

/** How many records a sweep turned into tombstones, and how many tombstones it deleted. */
export type Swept = Readonly<{ answers: number; tombstones: number }>

/** One of a batch's commands was decided by another transaction first. Code `duplicate-command`. */
export class DuplicateCommand extends Error {
  readonly code = 'duplicate-command'
}

/**
 * The store could not take a transaction. `effect: 'none'`: nothing happened. `effect: 'unknown'`:
 * the COMMIT's fate is not known; the same command, sent again, will tell. Code `unavailable`.
 */
export class Unavailable extends Error {
  readonly code = 'unavailable'
  readonly effect: 'none' | 'unknown'

  constructor(effect: 'none' | 'unknown', cause: unknown) {
    super(`the command log cannot be written (${describe(cause)})`, { cause })
    this.effect = effect
  }
}

/** Makes the record of a decided command. */
export function recordOf(
  command: Command,
  answer: Rendered,
  times: Pick<CommandRecord, 'decidedAt' | 'replayableUntil'>,
): CommandRecord {
  const { id, scope, operation, key, fingerprint } = command
  return { id, scope, operation, key, fingerprint, answer, ...times }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
