import type { AnyOperationContract, Outgoing } from '@semel/contract'
import type { Command } from './command.ts'
import type { Decider, Message, Repository } from './decider.ts'
import {
  type BlockedKeys,
  block,
  type Ending,
  type Entry,
  type Folded,
  foldBatch,
  type Hold,
  turnedAway,
  type Verdict,
} from './fold.ts'
import type { ExecutorObserver } from './observer.ts'
import { type Store, Unavailable } from './store.ts'

/** What a batch needs to be decided and written down. */
export type BatchParts<State, C extends Command, Tx> = Readonly<{
  store: Store<Tx>
  repository: Repository<State, C, Tx>
  decider: Decider<State, C>
  contracts: ReadonlyMap<string, AnyOperationContract>
  append: (tx: Tx, messages: readonly Message[]) => Promise<void>
  replayableMs: number
  clock: () => Date
  report: (error: unknown) => void
  source: string
  announce: ((ending: Ending) => Outgoing | undefined) | undefined
  told: (messages: readonly Message[]) => void
  observe?: Pick<ExecutorObserver, 'batchEnded'> | undefined
  /** What holds the entries back; see `ReadHolds`. Default: nothing does. */
  readHolds?: ((tx: Tx) => Promise<ReadonlyMap<Entry<C>, Hold>>) | undefined
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
  blockedKeys: BlockedKeys = new Map(),
): Promise<readonly Verdict[]> {
  try {
    const { verdicts, messages } = await decideTogether(parts, entries, blockedKeys)
    if (messages.length > 0) tellOf(messages, parts)
    return verdicts
  } catch (error) {
    if (error instanceof Unavailable) {
      parts.report(error)
      return entries.map(() => ({ kind: 'unavailable', effect: error.effect }))
    }
    if (entries.length === 1) return [{ kind: 'failed', error }]
    const middle = entries.length >> 1
    const first = await runBatch(parts, entries.slice(0, middle), blockedKeys)
    const rest = entries.slice(middle)
    // What was not decided must not be overtaken: of one sender, the order is a promise.
    const stopped = first.find(({ kind }) => kind === 'unavailable')
    if (stopped !== undefined) return [...first, ...rest.map(() => turnedAway)]
    return [...first, ...(await runBatch(parts, rest, withBlocked(blockedKeys, entries, first)))]
  }
}

/** One transaction, with all that it takes to be committed or given up. */
async function decideTogether<State, C extends Command, Tx>(
  parts: BatchParts<State, C, Tx>,
  entries: readonly Entry<C>[],
  blockedKeys: BlockedKeys,
): Promise<Pick<Folded<State>, 'verdicts' | 'messages'>> {
  const { store, observe } = parts
  const sinceMs = performance.now()
  try {
    return await store.transaction((tx) => decideIn(tx, parts, entries, blockedKeys))
  } finally {
    observe?.batchEnded(entries.length, (performance.now() - sinceMs) / 1000)
  }
}

/** All is committed: what nobody was woken for is found later, and no command failed by that. */
function tellOf<State, C extends Command, Tx>(
  messages: readonly Message[],
  { told, report }: BatchParts<State, C, Tx>,
): void {
  try {
    told(messages)
  } catch (error) {
    report(error)
  }
}

/** The partition keys that are blocked, by the verdicts on the first of the entries. */
export function withBlocked<C extends Command>(
  blockedKeys: BlockedKeys,
  entries: readonly Entry<C>[],
  verdicts: readonly Verdict[],
): BlockedKeys {
  const blocked = new Map(blockedKeys)
  for (const [index, verdict] of verdicts.entries()) block(blocked, entries[index]!, verdict)
  return blocked
}

/** Steps 4 to 7 of a command's life: find, load, fold, write. */
async function decideIn<State, C extends Command, Tx>(
  tx: Tx,
  parts: BatchParts<State, C, Tx>,
  entries: readonly Entry<C>[],
  blockedKeys: BlockedKeys,
): Promise<Pick<Folded<State>, 'verdicts' | 'messages'>> {
  const { store, repository, decider, append, replayableMs, clock, readHolds } = parts
  const commands = entries.filter(({ recall }) => !recall).map(({ command }) => command)
  const aggregates = [...new Set(commands.map((command) => decider.aggregateId(command)))].sort()
  // Sent without waiting in between: with BEGIN before them, one round trip.
  const [known, states, holds] = await Promise.all([
    store.find(
      tx,
      entries.map(({ command }) => command.id),
    ),
    aggregates.length === 0 ? new Map<string, State>() : repository.load(tx, aggregates, commands),
    readHolds === undefined ? new Map<Entry<C>, Hold>() : readHolds(tx),
  ])
  const decidedAt = clock()
  const replayableUntil = new Date(decidedAt.getTime() + replayableMs)
  const times = { decidedAt, replayableUntil }
  const context = { ...parts, ...times, blockedKeys, holds, known, states }
  const { verdicts, records, changed, messages } = foldBatch(entries, context)
  // Lock order everywhere: aggregates, command ids, heads of topics. What is sent without waiting
  // for replies has COMMIT right behind it: the second and last round trip.
  await Promise.all([
    changed.length === 0 ? undefined : repository.save(tx, changed),
    records.length === 0 ? undefined : store.insert(tx, records),
    messages.length === 0 ? undefined : append(tx, messages),
  ])
  return { verdicts, messages }
}
