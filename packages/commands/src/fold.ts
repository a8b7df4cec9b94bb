import { type AnyCommandContract, type Rendered, renderAnswer } from '@semel/contract'
import { type Command, type CommandId, messageId } from './command.ts'
import type { Decider, Message } from './decider.ts'
import { UnknownFingerprintRule } from './fingerprint.ts'
import { type CommandRecord, recordOf } from './store.ts'

/** A command in a batch. `recall`: tell what was decided, decide nothing. */
export type Entry<C extends Command> = Readonly<{ command: C; recall: boolean }>

/** What a batch comes to for one of its commands. */
export type Verdict =
  | Readonly<{ kind: 'decided' | 'known'; record: CommandRecord }>
  | Readonly<{ kind: 'undecided' }>
  | Readonly<{ kind: 'failed'; error: unknown }>
  | Readonly<{ kind: 'unavailable'; effect: 'none' | 'unknown' }>

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
  contracts: ReadonlyMap<string, AnyCommandContract>
  known: ReadonlyMap<CommandId, CommandRecord>
  states: ReadonlyMap<string, State>
  decidedAt: Date
  replayableUntil: Date
}>

/**
 * Decides a batch in arrival order: each command meets the state that the one before it left.
 * A command that makes the decider or its rendering throw fails alone; its state stays as it was.
 */
export function foldBatch<State, C extends Command>(
  entries: readonly Entry<C>[],
  context: FoldContext<State, C>,
): Folded<State> {
  const states = new Map(context.states)
  const touched = new Set<string>()
  const records: CommandRecord[] = []
  const messages: Message[] = []
  const verdicts = entries.map(({ command, recall }): Verdict => {
    const known = context.known.get(command.id)
    if (known !== undefined) return { kind: 'known', record: known }
    if (recall) return { kind: 'undecided' }
    try {
      const aggregateId = context.decider.aggregateId(command)
      const { next, answer, told } = decideOne(command, aggregateId, states, context)
      if (next !== states.get(aggregateId)) touched.add(aggregateId)
      states.set(aggregateId, next)
      messages.push(...told)
      const record = recordOf(command, answer, context)
      records.push(record)
      return { kind: 'decided', record }
    } catch (error) {
      // Told by a newer release: no fault of the command, and another replica can compare.
      const isNewer = error instanceof UnknownFingerprintRule
      return isNewer ? { kind: 'unavailable', effect: 'none' } : { kind: 'failed', error }
    }
  })
  const changed = [...touched].sort().map((id) => states.get(id) as State)
  return { verdicts, records: inIdOrder(records), changed, messages }
}

function decideOne<State, C extends Command>(
  command: C,
  aggregateId: string,
  states: ReadonlyMap<string, State>,
  { decider, contracts }: FoldContext<State, C>,
): { next: State; answer: Rendered; told: Message[] } {
  const state = states.get(aggregateId)
  if (state === undefined) throw new TypeError(`load gave no state for ${aggregateId}`)
  const contract = contracts.get(command.operation)
  if (contract === undefined) throw new TypeError(`no contract declares ${command.operation}`)
  const decision = decider.decide(state, command)
  return {
    next: decision.state,
    answer: renderAnswer(contract, command, decision.outcome),
    told: decision.messages.map((message, index) => ({
      ...message,
      id: messageId(command.id, index),
      scope: command.scope,
      commandId: command.id,
    })),
  }
}

/** Rows enter the index in one order everywhere, so that two batches cannot wait for each other. */
function inIdOrder(records: readonly CommandRecord[]): readonly CommandRecord[] {
  return records.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}
