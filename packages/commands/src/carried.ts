import { type BatchParts, runBatch, withBlocked } from './batch.ts'
import type { Command } from './command.ts'
import { comparisonOf } from './comparison.ts'
import { type BlockedKeys, type Entry, type Hold, turnedAway, type Verdict } from './fold.ts'

/** A command that a topic carried, under its partition key. */
export type Carried<C extends Command = Command> = Entry<C> & Readonly<{ partitionKey: string }>

/**
 * What holds carried commands back, read by the transaction that would decide them: it is sent with
 * the first statements, and again for each transaction that the commands take.
 */
export type ReadHolds<Tx> = (tx: Tx) => Promise<ReadonlyMap<Carried, Hold>>

/** What became of a carried command. */
export type CarriedOutcome =
  /** It was decided, now or before. */
  | Readonly<{ kind: 'decided' | 'known' }>
  /** It was to be recalled, and nothing was decided under its key. */
  | Readonly<{ kind: 'undecided' }>
  /** This very command breaks its decider or a constraint: nothing of it was kept. */
  | Readonly<{ kind: 'failed'; error: unknown }>
  /** Undecided: one before it, with the same partition key, failed or is undecided. */
  | Readonly<{ kind: 'behind' }>
  /** Undecided, because it was found to be held back. */
  | Readonly<{ kind: Hold }>
  /** Not executed, or not known to be; nor was any after it. To be sent again. */
  | Readonly<{ kind: 'unavailable' }>

/** Decides carried commands in their order; behind what is unavailable none is looked at. */
export async function decideCarried<State, C extends Command, Tx>(
  parts: BatchParts<State, C, Tx>,
  entries: readonly Carried<C>[],
  batchSizeMax: number,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = []
  let blockedKeys: BlockedKeys = new Map()
  for (let from = 0; from < entries.length; from += batchSizeMax) {
    const batch = entries.slice(from, from + batchSizeMax)
    const decided = await runBatch(parts, batch, blockedKeys)
    verdicts.push(...decided)
    if (decided.some(({ kind }) => kind === 'unavailable')) break
    blockedKeys = withBlocked(blockedKeys, batch, decided)
  }
  return entries.map((_, index) => verdicts[index] ?? turnedAway)
}

/** What its consumer is told of a carried command. */
export function carriedOutcome(verdict: Verdict, { command }: Carried, now: Date): CarriedOutcome {
  if (verdict.kind === 'unavailable') return { kind: 'unavailable' }
  if (!('record' in verdict)) return verdict
  const comparable = comparisonOf(command, verdict.record, now) !== 'incomparable'
  return { kind: comparable ? verdict.kind : 'unavailable' }
}
