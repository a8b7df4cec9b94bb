import type { AnyCommandContract } from '@semel/contract'
import type { Command } from './command.ts'
import type { Decider, Message, Repository } from './decider.ts'
import { type Entry, foldBatch, type Verdict } from './fold.ts'
import { type Store, Unavailable } from './store.ts'

/** What a batch needs to be decided and written down. */
export type BatchParts<State, C extends Command, Tx> = Readonly<{
  store: Store<Tx>
  repository: Repository<State, C, Tx>
  decider: Decider<State, C>
  contracts: ReadonlyMap<string, AnyCommandContract>
  append: (tx: Tx, messages: readonly Message[]) => Promise<void>
  replayableMs: number
  clock: () => Date
  report: (error: unknown) => void
}>

/**
 * Runs a batch in one transaction and says what became of each command, in order. Never rejects.
 *
 * A failure that no command is to blame for takes the whole batch as unavailable. Any other is
 * hunted by halves: its culprit ends up alone and fails alone, its neighbours are decided.
 */
export async function runBatch<State, C extends Command, Tx>(
  parts: BatchParts<State, C, Tx>,
  entries: readonly Entry<C>[],
): Promise<readonly Verdict[]> {
  try {
    return await parts.store.transaction((tx) => decideIn(tx, parts, entries))
  } catch (error) {
    if (error instanceof Unavailable) {
      parts.report(error)
      return entries.map(() => ({ kind: 'unavailable', effect: error.effect }))
    }
    if (entries.length === 1) return [{ kind: 'failed', error }]
    const middle = entries.length >> 1
    const first = await runBatch(parts, entries.slice(0, middle))
    return [...first, ...(await runBatch(parts, entries.slice(middle)))]
  }
}

/** Steps 4 to 7 of a command's life: find, load, fold, write. */
async function decideIn<State, C extends Command, Tx>(
  tx: Tx,
  { store, repository, decider, contracts, append, replayableMs, clock }: BatchParts<State, C, Tx>,
  entries: readonly Entry<C>[],
): Promise<readonly Verdict[]> {
  const commands = entries.filter(({ recall }) => !recall).map(({ command }) => command)
  const aggregates = [...new Set(commands.map((command) => decider.aggregateId(command)))].sort()
  // Sent without waiting in between: with BEGIN before them, one round trip.
  const [known, states] = await Promise.all([
    store.find(
      tx,
      entries.map(({ command }) => command.id),
    ),
    aggregates.length === 0 ? new Map<string, State>() : repository.load(tx, aggregates, commands),
  ])
  const decidedAt = clock()
  const replayableUntil = new Date(decidedAt.getTime() + replayableMs)
  const context = { decider, contracts, known, states, decidedAt, replayableUntil }
  const { verdicts, records, changed, messages } = foldBatch(entries, context)
  // Lock order everywhere: aggregates, command ids, heads of topics.
  await Promise.all([
    changed.length === 0 ? undefined : repository.save(tx, changed),
    records.length === 0 ? undefined : store.insert(tx, records),
    messages.length === 0 ? undefined : append(tx, messages),
  ])
  return verdicts
}
