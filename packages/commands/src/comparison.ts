import { type Command, sameInput } from './command.ts'
import { UnknownFingerprintRule } from './fingerprint.ts'
import type { CommandRecord } from './store.ts'

/**
 * What a record means for a command that comes under its key. `incomparable`: a newer release made
 * the fingerprint; a replica of that release can tell.
 */
export type Comparison = 'replayable' | 'key-reused' | 'key-expired' | 'incomparable'

/** Compares a command to what is recorded under its key. Expired comes before reused. */
export function comparisonOf(command: Command, record: CommandRecord, now: Date): Comparison {
  if (record.answer === undefined || record.replayableUntil <= now) return 'key-expired'
  try {
    return sameInput(command, record.fingerprint) ? 'replayable' : 'key-reused'
  } catch (error) {
    if (error instanceof UnknownFingerprintRule) return 'incomparable'
    throw error
  }
}
