import { type Sweep, sweepInBatches, usualRememberedMs } from '@semel/commands'
import type { Pool } from '@semel/postgres'
import { deleteEnded } from './sql.ts'

/**
 * Forgets requests some time after it was heard how they ended: as long as commands are remembered.
 * What is pending, or was set aside, waits for somebody, and is kept until it ends.
 */
export function entrySweep(
  pool: Pool,
  options: Readonly<{ rememberedMs?: number | undefined; clock?: () => Date }> = {},
): Sweep {
  const { rememberedMs = usualRememberedMs, clock = () => new Date() } = options
  return (signal) => {
    const endedBefore = new Date(clock().getTime() - rememberedMs)
    const sweepBatch = (batchSizeMax: number) => deleteEnded(pool, { endedBefore, batchSizeMax })
    return sweepInBatches(sweepBatch, {}, signal)
  }
}
