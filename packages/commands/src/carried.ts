import { type BatchParts, runBatch, withFailed } from './batch.ts'
import type { Command } from './command.ts'
import { type Entry, turnedAway, type Verdict } from './fold.ts'
import { standingOf } from './standing.ts'

/** A command that a topic carried, under its partition key. */
export type Carried = Readonly<{
  command: Command
  /** Behind one that failed or is undecided, none with the same partition key is decided. */
  partitionKey: string
  /** Tell what was decided before, decide nothing. Default false. */
  recall?: boolean
}>

/** What became of a carried command. */
export type CarriedOutcome =
  /** It was decided, now or before. */
  | Readonly<{ kind: 'done' }>
  /** It was to be recalled, and nothing was decided under its key. */
  | Readonly<{ kind: 'undecided' }>
  /** This very command breaks its decider or a constraint: nothing of it was kept. */
  | Readonly<{ kind: 'failed'; error: unknown }>
  /** Not looked at: one before it, with the same partition key, failed or is undecided. */
  | Readonly<{ kind: 'behind-failed' }>
  /** Not executed, or not known to be; nor was any after it. To be sent again. */
  | Readonly<{ kind: 'unavailable' }>

/** A carried command as an entry of a batch. */
export function entryOf<C extends Command>(carried: Carried): Entry<C> {
  const { command, partitionKey, recall = false } = carried
  return { command: command as C, recall, carriedUnder: partitionKey }
}

/** Decides carried commands in their order; behind what is unavailable none is looked at. */
export async function decideCarried<State, C extends Command, Tx>(
  parts: BatchParts<State, C, Tx>,
  entries: readonly Entry<C>[],
  batchSizeMax: number,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = []
  let failedKeys: ReadonlySet<string> = new Set()
  for (let from = 0; from < entries.length; from += batchSizeMax) {
    const batch = entries.slice(from, from + batchSizeMax)
    const decided = await runBatch(parts, batch, failedKeys)
    verdicts.push(...decided)
    if (decided.some(({ kind }) => kind === 'unavailable')) break
    failedKeys = withFailed(failedKeys, batch, decided)
  }
  return entries.map((_, index) => verdicts[index] ?? turnedAway)
}

/** What its consumer is told of a carried command. */
export function carriedOutcome(verdict: Verdict, { command }: Carried, now: Date): CarriedOutcome {
  if (verdict.kind === 'unavailable') return { kind: 'unavailable' }
  if (!('record' in verdict)) return verdict
  const comparable = standingOf(command, verdict.record, now) !== 'incomparable'
  return { kind: comparable ? 'done' : 'unavailable' }
}
