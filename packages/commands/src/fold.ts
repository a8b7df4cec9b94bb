import {
  type AnyOperationContract,
  type Outgoing,
  type Rendered,
  renderAnswer,
} from '@semel/contract'
import { type Command, type CommandId, endingId, guidOf, messageId } from './command.ts'
import { comparisonOf } from './comparison.ts'
import type { Decider, Message } from './decider.ts'
import { UnknownFingerprintRule } from './fingerprint.ts'
import { type CommandRecord, recordOf } from './store.ts'

/** A command in a batch. */
export type Entry<C extends Command> = Readonly<{
  command: C
  /** Tell what was decided before, decide nothing. Default false. */
  recall?: boolean
  /**
   * Under which a topic carried it: nobody waits for its answer, and behind one that failed, or was
   * to be recalled and is not known, none with the same partition key is decided.
   */
  partitionKey?: string
}>

/**
 * Why a carried command is not decided now. `behind`: one before it, of its partition key, that
 * came with it cannot be decided. `held`: one that came earlier stands in its way. `aside`: it was
 * taken out of the way itself, and holds nothing up.
 */
export type Hold = 'behind' | 'held' | 'aside'

/**
 * Partition keys of which an earlier command was not decided, and what that makes of those that
 * follow it; in this transaction or in one before it, whatever has gone meanwhile.
 */
export type BlockedKeys = ReadonlyMap<string, 'behind' | 'held'>

/** How a command ended, for whoever keeps account of requests. */
export type Ending = Readonly<{
  /** The identity of the request. */
  guid: string
  command: Command
  /** It came by a topic: whoever sent it can only learn of its end in this way. */
  carried: boolean
  outcome: Readonly<
    | { kind: 'answered'; answer: Rendered; decidedAt: Date; replayableUntil: Date }
    | { kind: 'key-reused' | 'key-expired' }
  >
}>

/** What a batch comes to for one of its commands. */
export type Verdict =
  | Readonly<{ kind: 'decided' | 'known'; record: CommandRecord }>
  | Readonly<{ kind: 'undecided' | Hold }>
  | Readonly<{ kind: 'failed'; error: unknown }>
  | Readonly<{ kind: 'unavailable'; effect: 'none' | 'unknown' }>

/** Not run: full, closed, or behind what could not be decided. */
export const turnedAway: Verdict = { kind: 'unavailable', effect: 'none' }

/** What folding a batch over its states gives: a verdict each, and all that is to be written. */
export type Folded<State> = Readonly<{
  verdicts: readonly Verdict[]
  records: readonly CommandRecord[]
  changed: readonly State[]
  messages: readonly Message[]
}>

/** What the fold knows besides the batch. */
export type FoldContext<State, C extends Command> = Readonly<{
  decider: Decider<State, C>
  contracts: ReadonlyMap<string, AnyOperationContract>
  known: ReadonlyMap<CommandId, CommandRecord>
  states: ReadonlyMap<string, State>
  decidedAt: Date
  replayableUntil: Date
  blockedKeys: BlockedKeys
  holds: ReadonlyMap<Entry<Command>, Hold>
  /** Who tells messages: the service. */
  source: string
  /** What is told of a command that ended; see `ExecutorOptions`. */
  announce: ((ending: Ending) => Outgoing | undefined) | undefined
}>

/**
 * Decides a batch in arrival order: each command meets the state that the one before it left.
 * A command that makes the decider or its rendering throw fails alone; its state stays as it was.
 * What was decided before is done, whatever stands in its way.
 */
export function foldBatch<State, C extends Command>(
  entries: readonly Entry<C>[],
  context: FoldContext<State, C>,
): Folded<State> {
  const states = new Map(context.states)
  const touched = new Set<string>()
  const decided = new Map<CommandId, CommandRecord>()
  const messages: Message[] = []
  const blocked = new Map(context.blockedKeys)
  let isStopped = false
  const decide = (entry: Entry<C>): Verdict => {
    const { command, recall, partitionKey } = entry
    if (partitionKey !== undefined && isStopped) return turnedAway
    const hold = context.holds.get(entry)
    if (hold === 'aside') return { kind: hold }
    const known = context.known.get(command.id) ?? decided.get(command.id)
    if (known !== undefined) {
      const outcome = endingOfKnown(entry, known, context.decidedAt)
      isStopped ||= outcome === 'incomparable'
      if (outcome === 'incomparable') return turnedAway
      messages.push(...announced(entry, outcome, context))
      return { kind: 'known', record: known }
    }
    const inTheWay = (partitionKey === undefined ? undefined : blocked.get(partitionKey)) ?? hold
    if (inTheWay !== undefined) return { kind: inTheWay }
    if (recall) return { kind: 'undecided' }
    try {
      const aggregateId = context.decider.aggregateId(command)
      const { next, answer, told } = decideOne(command, aggregateId, states, context)
      const record = recordOf(command, answer, context)
      const announcements = announced(entry, endingOf(record, answer), context)
      if (next !== states.get(aggregateId)) touched.add(aggregateId)
      states.set(aggregateId, next)
      messages.push(...told, ...announcements)
      decided.set(command.id, record)
      return { kind: 'decided', record }
    } catch (error) {
      // Told by a newer release: no fault of the command, and another replica can compare.
      // What a topic carries behind it must not overtake it.
      isStopped ||= error instanceof UnknownFingerprintRule
      if (error instanceof UnknownFingerprintRule) return turnedAway
      return { kind: 'failed', error }
    }
  }
  const verdicts = entries.map((entry) => {
    const verdict = decide(entry)
    block(blocked, entry, verdict)
    return verdict
  })
  const changed = [...touched].sort().map((id) => states.get(id) as State)
  return { verdicts, records: inIdOrder([...decided.values()]), changed, messages }
}

/** What was not decided holds back what follows it under its partition key. */
export function block(
  blocked: Map<string, 'behind' | 'held'>,
  { partitionKey }: Entry<Command>,
  { kind }: Verdict,
): void {
  if (partitionKey === undefined || blocked.has(partitionKey)) return
  if (kind === 'held') blocked.set(partitionKey, 'held')
  if (['failed', 'undecided', 'behind'].includes(kind)) blocked.set(partitionKey, 'behind')
}

function decideOne<State, C extends Command>(
  command: C,
  aggregateId: string,
  states: ReadonlyMap<string, State>,
  context: FoldContext<State, C>,
): { next: State; answer: Rendered; told: Message[] } {
  const state = states.get(aggregateId)
  if (state === undefined) throw new TypeError(`load gave no state for ${aggregateId}`)
  const contract = context.contracts.get(command.operation)
  if (contract === undefined) throw new TypeError(`no contract declares ${command.operation}`)
  const decision = context.decider.decide(state, command)
  return {
    next: decision.state,
    answer: renderAnswer(contract, command, decision.outcome),
    told: decision.messages.map((message, index) =>
      inEnvelope(message, messageId(command.id, index, context.decidedAt), command, context),
    ),
  }
}

/** A repeat that came over HTTP has its answer; only of one that was carried something is told. */
function endingOfKnown(
  { command, partitionKey }: Entry<Command>,
  record: CommandRecord,
  now: Date,
): Ending['outcome'] | 'incomparable' | undefined {
  if (partitionKey === undefined) return undefined
  const comparison = comparisonOf(command, record, now)
  if (comparison === 'incomparable') return comparison
  if (comparison !== 'replayable') return { kind: comparison }
  return endingOf(record, record.answer as Rendered)
}

function endingOf(
  { decidedAt, replayableUntil }: CommandRecord,
  answer: Rendered,
): Ending['outcome'] {
  return { kind: 'answered', answer, decidedAt, replayableUntil }
}

function announced<State, C extends Command>(
  { command, partitionKey }: Entry<C>,
  outcome: Ending['outcome'] | undefined,
  context: FoldContext<State, C>,
): Message[] {
  if (outcome === undefined || context.announce === undefined) return []
  const guid = guidOf(command)
  const carried = partitionKey !== undefined
  const announcement = context.announce({ guid, command, carried, outcome })
  if (announcement === undefined) return []
  return [inEnvelope(announcement, endingId(guid, outcome.kind), command, context)]
}

function inEnvelope<State, C extends Command>(
  message: Outgoing,
  id: string,
  { id: commandId, scope, traceparent }: C,
  { source, decidedAt }: FoldContext<State, C>,
): Message {
  const trace = traceparent === undefined ? {} : { traceparent }
  return { ...message, id, source, time: decidedAt, scope, commandId, ...trace }
}

/** Rows enter the index in one order everywhere, so that two batches cannot wait for each other. */
function inIdOrder(records: readonly CommandRecord[]): readonly CommandRecord[] {
  return records.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}
