import {
  type Sweep,
  type SweepPace,
  sweepCommands,
  sweepInBatches,
  usualRememberedMs,
} from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import type { Pool } from '@semel/postgres'
import { deleteDiscarded } from './discarded-letter-store.ts'
import { deletePassed, listPartitions, oldestMessageTime } from './outbox-store.ts'

/** How long a database keeps messages and remembers commands, and how its sweeper goes about it. */
export type Retention = SweepPace &
  Readonly<{
    /** How long a message that all have read is kept, in milliseconds. Default 7 days. */
    keptMs?: number
    /**
     * How long a command is remembered, in milliseconds: longer than messages are kept, and longer
     * still while an older message is there. Default 30 days.
     */
    rememberedMs?: number
    /** Pause between two sweeps, in milliseconds. Default one minute. */
    everyMs?: number
    clock?: () => Date
  }>

const dayMs = 24 * 60 * 60 * 1000

/** How long messages are kept unless somebody says otherwise: seven days. */
export const usualKeptMs = 7 * dayMs

/**
 * The ages of a retention.
 *
 * @throws {RangeError} where commands would be forgotten while what carries them could still be
 * read again: a refusal is known by the command log alone, and would be decided anew.
 */
export function agesOf({
  keptMs = usualKeptMs,
  rememberedMs = usualRememberedMs,
}: Retention = {}): Readonly<{ keptMs: number; rememberedMs: number }> {
  if (rememberedMs > keptMs) return { keptMs, rememberedMs }
  throw new RangeError(
    `commands would be forgotten after rememberedMs ${inWords(rememberedMs)}, while messages can ` +
      `be read again for keptMs ${inWords(keptMs)}: make rememberedMs larger than keptMs`,
  )
}

/**
 * What ages in the tables that the services of a database share: the outbox, then the command log,
 * then letters that were discarded. Each may run in several processes at once.
 */
export function databaseSweeps(pool: Pool, retention: Retention = {}): readonly Sweep[] {
  return [
    (signal) => sweepOutbox(pool, retention, signal),
    (signal) => sweepCommandLog(pool, retention, signal),
    (signal) => sweepDiscarded(pool, retention, signal),
  ]
}

/**
 * Deletes messages older than `keptMs` that every group has passed which ever read their topic,
 * running or not. Never drops what a group has not read; keeps all of a topic that no group reads,
 * copies of dead letters apart: the letters are kept elsewhere. May run in several processes at
 * once.
 *
 * @returns how many were deleted.
 * @throws {DatabaseUnavailable} The next sweep goes on where this one was.
 */
export async function sweepOutbox(
  pool: Pool,
  retention: Retention = {},
  signal?: AbortSignal,
): Promise<number> {
  const { clock = () => new Date() } = retention
  const toldBefore = new Date(clock().getTime() - agesOf(retention).keptMs)
  let total = 0
  for (const place of await listPartitions(pool)) {
    const unread = place.topic.endsWith('_dead')
    const sweepBatch = (batchSizeMax: number) =>
      deletePassed(pool, place, { toldBefore, unread, batchSizeMax })
    total += await sweepInBatches(sweepBatch, retention, signal)
  }
  return total
}

/**
 * Ages the command log of a database, as {@link sweepCommands} does, but forgets nothing that a
 * message which is still there could bring again. A message may carry a command that was decided
 * before it was told: as long before as `rememberedMs` is longer than `keptMs`, it is still known,
 * however late the message is read.
 */
async function sweepCommandLog(
  pool: Pool,
  retention: Retention = {},
  signal?: AbortSignal,
): Promise<void> {
  const neededSince = await neededSinceIn(pool, retention)
  const needed = neededSince && { neededSince }
  await sweepCommands(postgresStore(pool), { ...retention, ...needed }, signal)
}

/**
 * Deletes letters that were discarded as long ago as commands are forgotten: a letter that was
 * discarded keeps its message from being decided, should it be read again.
 *
 * @returns how many were deleted.
 */
async function sweepDiscarded(
  pool: Pool,
  retention: Retention = {},
  signal?: AbortSignal,
): Promise<number> {
  const { clock = () => new Date() } = retention
  const agedBefore = clock().getTime() - agesOf(retention).rememberedMs
  const neededSince = await neededSinceIn(pool, retention)
  const discardedBefore = new Date(Math.min(agedBefore, neededSince?.getTime() ?? agedBefore))
  const sweepBatch = (batchSizeMax: number) =>
    deleteDiscarded(pool, { discardedBefore, batchSizeMax })
  return sweepInBatches(sweepBatch, retention, signal)
}

async function neededSinceIn(pool: Pool, retention: Retention): Promise<Date | undefined> {
  const { keptMs, rememberedMs } = agesOf(retention)
  const { clock = () => new Date() } = retention
  const oldest = await oldestMessageTime(pool, clock())
  return oldest && new Date(oldest.getTime() - (rememberedMs - keptMs))
}

function inWords(ms: number): string {
  return `${ms} (${Math.round((ms / dayMs) * 100) / 100} days)`
}
