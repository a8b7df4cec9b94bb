import { setTimeout as timer } from 'node:timers/promises'
import type { Pool } from '@semel/postgres'
import { deletePassed, listPartitions } from './outbox-store.ts'

/** How long messages are kept, and how the sweeper goes about it. */
export type OutboxRetention = Readonly<{
  /** How long a message that all have read is kept, in milliseconds. Default 7 days. */
  keptMs?: number
  /** Messages per statement, at most: small, so that nobody waits for it. Default 1,000. */
  batchSizeMax?: number
  /** Statements of one sweep of a partition, at most; the next sweep goes on. Default 1,000. */
  batchesMax?: number
  /** Pause between two statements, in milliseconds. Default 20. */
  pauseMs?: number
  clock?: () => Date
}>

const dayMs = 24 * 60 * 60 * 1000

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
  options: OutboxRetention = {},
  signal?: AbortSignal,
): Promise<number> {
  const { keptMs = 7 * dayMs, batchSizeMax = 1000, batchesMax = 1000, pauseMs = 20 } = options
  const { clock = () => new Date() } = options
  const toldBefore = new Date(clock().getTime() - keptMs)
  let total = 0
  for (const partition of await listPartitions(pool)) {
    for (let batch = 0; batch < batchesMax && signal?.aborted !== true; batch += 1) {
      const unread = partition.topic.endsWith('_dead')
      const deleted = await deletePassed(pool, partition, { toldBefore, unread, batchSizeMax })
      total += deleted
      if (deleted < batchSizeMax) break
      await timer(pauseMs)
    }
  }
  return total
}
