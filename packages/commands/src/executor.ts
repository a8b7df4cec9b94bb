import type { AnyOperationContract, Outgoing, Rendered } from '@semel/contract'
import { type BatchParts, runBatch } from './batch.ts'
import { type Batcher, createBatcher } from './batcher.ts'
import {
  type Carried,
  type CarriedOutcome,
  carriedOutcome,
  decideCarried,
  type ReadHolds,
} from './carried.ts'
import { type Command, type CommandId, sameInput } from './command.ts'
import { comparisonOf } from './comparison.ts'
import type { Message } from './decider.ts'
import { type Ending, type Entry, turnedAway, type Verdict } from './fold.ts'
import { observedExecutor } from './observed-executor.ts'
import type { ExecutorObserver } from './observer.ts'
import type { ReplayCache } from './replay-cache.ts'
import { isService } from './scope.ts'
import type { CommandRecord } from './store.ts'
import { processTimers, type Timers, within } from './timers.ts'

/** What a caller is told about a command. */
export type Outcome =
  /** `replayed`: decided before. `reused`: for another input, told because `onReuse` asks so. */
  | Readonly<{
      kind: 'answered'
      answer: Rendered
      replayed: boolean
      reused: boolean
      replayableUntil: Date
    }>
  /** The key belongs to another input, or its answer is no longer kept, or it is being decided. */
  | Readonly<{ kind: 'key-reused' | 'key-expired' | 'in-flight' }>
  /** Not executed, or not known to be; the same command may be sent again. */
  | Readonly<{ kind: 'unavailable'; effect: 'none' | 'unknown'; retryAfterMs: number }>

/** `replay`: a key that is reused for another input gets the first answer. Default `refuse`. */
export type SubmitOptions = Readonly<{ onReuse?: 'refuse' | 'replay' }>

/** The one place where commands take effect, wherever they came from. `Tx`: its store's. */
export interface Executor<Tx = unknown> {
  /**
   * Has a command decided at most once, and tells its outcome: the first time and ever after.
   *
   * @throws {CommandFailed} when this very command breaks its decider or a constraint: nothing of
   * it was kept, and nothing was recorded.
   */
  submit(command: Command, options?: SubmitOptions): Promise<Outcome>
  /** What was decided under a command's key; undefined if nothing was. Decides nothing. */
  recall(command: Command, options?: SubmitOptions): Promise<Outcome | undefined>
  /**
   * Has commands decided that a topic carried, at most once each, in their order, in transactions
   * that they share with no others; says what became of each. Never rejects. Unlike a repeat over
   * HTTP, a repeat that was carried is announced again: its sender hears in no other way.
   *
   * @param readHolds Default: nothing holds them back.
   */
  submitCarried(
    carried: readonly Carried[],
    readHolds?: ReadHolds<Tx>,
  ): Promise<readonly CarriedOutcome[]>
  /** Whether there is room for another command. */
  hasRoom(): boolean
  /** Commands that wait for a batch. */
  waiting(): number
  /** Takes no more commands, and resolves when those it has taken have their outcomes. */
  close(): Promise<void>
}

/** This command, and no other, could not be decided: a bug. Code `command-failed`. */
export class CommandFailed extends Error {
  readonly code = 'command-failed'

  constructor(command: Command, cause: unknown) {
    super(`${command.operation} ${command.id} could not be decided`, { cause })
  }
}

/** What an executor is made of, and its limits. */
export type ExecutorOptions<State, C extends Command, Tx> = Readonly<
  Pick<BatchParts<State, C, Tx>, 'store' | 'repository' | 'decider'> & {
    contracts: readonly AnyOperationContract[]
    /**
     * Writes down what decisions tell, in their transaction: `outboxAppend` of `@semel/topics`.
     * Default: a decision that tells something fails, so that nothing told is ever lost.
     */
    append?: BatchParts<State, C, Tx>['append']
    /** The service that tells messages. Default: `commands`. */
    source?: string
    /**
     * What is told of a command that ended, in its transaction: of every one that is decided, and
     * of every repeat that a topic carried. Pure. Default: nothing.
     */
    announce?: ((ending: Ending) => Outgoing | undefined) | undefined
    /** Told of messages after their commit, to wake who reads them. Default: nobody is. */
    told?: (messages: readonly Message[]) => void
    /**
     * Whether what is told may still wait for its readers. Where not, a submitted command that was
     * not decided before is `unavailable`; one that a topic carried is decided. Default: always.
     */
    mayTell?: (() => boolean) | undefined
    /** Asked before the store, told after the commit. Default: none. */
    cache?: ReplayCache
    /** How long answers are replayed, in milliseconds. Default 24 hours. */
    replayableMs?: number
    /** Commands in one transaction, at most. Default 256: larger ones gained nothing. */
    batchSizeMax?: number
    /** Transactions at once. Default 1: the next batch fills while one commits. */
    batchesMax?: number
    /** Commands that wait for a batch, at most; beyond, `unavailable`. Default 4,096. */
    queueMax?: number
    /** How long a command waits for a batch, in milliseconds. Default 5,000. */
    queueWaitMaxMs?: number
    /** How long a repeat waits for the first of its kind, in milliseconds. Default 10,000. */
    joinWaitMaxMs?: number
    /** The time that answers are decided at. Default: the clock of this process. */
    clock?: () => Date
    /** How it waits. Default: by the timers of this process. */
    timers?: Timers
    /** Told why a batch was unavailable; its callers are not. Default: nobody is told. */
    report?: ((error: unknown) => void) | undefined
    /** Told what it does, to be counted. Default: nobody is. */
    observe?: ExecutorObserver | undefined
  }
>

/** The first of its key that is being looked at here; repeats wait for it. */
interface First<C extends Command> extends Entry<C> {
  readonly verdict: Promise<Verdict>
}

const day = 24 * 60 * 60 * 1000
const retryAfterMs = 1000

/** Makes an executor. It starts with the first command; {@link Executor.close} ends it. */
export function createExecutor<State, C extends Command, Tx>(
  options: ExecutorOptions<State, C, Tx>,
): Executor<Tx> {
  const { cache, batchSizeMax = 256, batchesMax = 1, queueMax = 4096 } = options
  const { queueWaitMaxMs = 5000, joinWaitMaxMs = 10_000, clock = () => new Date() } = options
  const { store, repository, decider, replayableMs = day, report = () => {} } = options
  const { append = appendNowhere, source = 'commands', observe } = options
  const { announce, told = () => {}, mayTell = () => true, timers = processTimers } = options
  const contracts = new Map(options.contracts.map((contract) => [contract.operation, contract]))
  const parts = {
    ...{ store, repository, decider, append, contracts, replayableMs, clock, report },
    ...{ source, announce, told, observe },
  }
  const inFlight = new Map<CommandId, First<C>>()
  const limits = { batchSizeMax, batchesMax, queueMax, queueWaitMaxMs, timers }
  const batcher = createBatcher<C>((entries) => runBatch(parts, entries), limits)
  const decide = unlessFull(batcher.add, mayTell)

  async function follow(command: C, recall: boolean, submitted: SubmitOptions) {
    const deadline = timers.now() + joinWaitMaxMs
    for (;;) {
      const first = inFlight.get(command.id)
      if (first === undefined) return lead({ command, recall }, submitted)
      const verdict = await within(timers, deadline - timers.now(), first.verdict)
      if (verdict === undefined) return { kind: 'in-flight' } as const
      // Where the first decided nothing, its fate is shared by those who asked for just the same;
      // whoever asked for something else is next.
      const shared = first.recall === recall && sameInput(command, first.command.fingerprint)
      if ('record' in verdict || shared) {
        return outcomeOf(verdict, command, submitted, clock(), true)
      }
    }
  }

  async function lead(entry: Entry<C>, submitted: SubmitOptions) {
    const { command } = entry
    const verdict = look(entry)
    inFlight.set(command.id, { ...entry, verdict })
    const decided = await verdict.finally(() => inFlight.delete(command.id))
    return outcomeOf(decided, command, submitted, clock(), decided.kind !== 'decided')
  }

  /** A repeat that the cache knows waits for no batch, and needs no room in the queue. */
  async function look(entry: Entry<C>): Promise<Verdict> {
    const { command } = entry
    if (cache === undefined) return decide(entry)
    const cached = (await cache.get([command])).get(command.id)
    if (cached !== undefined) return { kind: 'known', record: cached }
    const verdict = await decide(entry)
    if ('record' in verdict) cache.put([verdict.record])
    return verdict
  }

  const executor: Executor<Tx> = {
    async submitCarried(carried, readHolds) {
      const entries = carried as readonly Carried<C>[]
      const verdicts = await decideCarried({ ...parts, readHolds }, entries, batchSizeMax)
      cache?.put(verdicts.flatMap(repeatable))
      return verdicts.map((verdict, index) => carriedOutcome(verdict, carried[index]!, clock()))
    },
    async submit(command, submitted = {}) {
      const outcome = await follow(command as C, false, submitted)
      if (outcome === undefined) throw new TypeError('a submitted command was not decided')
      return outcome
    },
    recall: (command, submitted = {}) => follow(command as C, true, submitted),
    ...{ hasRoom: batcher.hasRoom, waiting: batcher.waiting, close: batcher.close },
  }
  return observe === undefined ? executor : observedExecutor(executor, observe)
}

/** While nothing more may be told, what is new is turned away; repeats are answered. */
function unlessFull<C extends Command>(add: Batcher<C>['add'], mayTell: () => boolean) {
  return async (entry: Entry<C>): Promise<Verdict> => {
    if (entry.recall || mayTell()) return add(entry)
    const verdict = await add({ ...entry, recall: true })
    return verdict.kind === 'undecided' ? turnedAway : verdict
  }
}

/** What may be asked for again: reactions of services come by their topics alone. */
function repeatable(verdict: Verdict): CommandRecord[] {
  return 'record' in verdict && !isService(verdict.record.scope) ? [verdict.record] : []
}

async function appendNowhere(): Promise<never> {
  throw new TypeError('a decision tells something, and the executor was given no append')
}

function outcomeOf(
  verdict: Verdict,
  command: Command,
  { onReuse = 'refuse' }: SubmitOptions,
  now: Date,
  replayed: boolean,
): Outcome | undefined {
  if (verdict.kind === 'failed') throw new CommandFailed(command, verdict.error)
  if (!('record' in verdict) && verdict.kind !== 'unavailable') return undefined
  if (verdict.kind === 'unavailable') return { ...verdict, retryAfterMs }
  const { answer, replayableUntil } = verdict.record
  const comparison = comparisonOf(command, verdict.record, now)
  if (comparison === 'incomparable') return { kind: 'unavailable', effect: 'none', retryAfterMs }
  if (comparison === 'key-expired' || answer === undefined) return { kind: 'key-expired' }
  const reused = comparison === 'key-reused'
  if (reused && onReuse === 'refuse') return { kind: 'key-reused' }
  return { kind: 'answered', answer, replayed, reused, replayableUntil }
}
