import type { Message } from '@semel/commands'
import { DatabaseUnavailable, type Pool, type Tx, transaction } from '@semel/postgres'

/** Publishes for a process without a database of its own, or outside of any effect. */
export interface Publisher {
  /** Resolves when all of them are durable. */
  publish(messages: readonly Message[]): Promise<void>
  /** Takes no more, and resolves when what was taken is settled. */
  close(): Promise<void>
}

type Waiting = Readonly<{
  messages: readonly Message[]
  resolve: () => void
  reject: (error: unknown) => void
}>

/**
 * Makes a publisher: one transaction at a time, with what arrived meanwhile, in the order of its
 * arrival. What cannot be written fails alone.
 */
export function createPublisher(
  options: Readonly<{
    pool: Pool
    append: (tx: Tx, messages: readonly Message[]) => Promise<void>
    /** Told of what was committed. */
    told: (messages: readonly Message[]) => void
    batchSizeMax: number
    queueMax: number
  }>,
): Publisher {
  const { pool, append, told, batchSizeMax, queueMax } = options
  let queue: Waiting[] = []
  let queued = 0
  let draining: Promise<void> | undefined
  let closed = false

  async function drain(): Promise<void> {
    // After the events at hand: all that arrived in this turn of the loop shares a transaction.
    await new Promise(setImmediate)
    while (queue.length > 0) {
      const batch = queue.slice(0, countWithin(queue, batchSizeMax))
      queue = queue.slice(batch.length)
      await settle(batch)
    }
    draining = undefined
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.flatMap((each) => each.messages)
    try {
      await transaction(pool, (tx) => append(tx, messages))
    } catch (error) {
      const isOfData = !(error instanceof DatabaseUnavailable)
      if (isOfData && batch.length > 1) {
        for (const each of batch) await settle([each])
        return
      }
      queued -= messages.length
      for (const { reject } of batch) reject(error)
      return
    }
    queued -= messages.length
    told(messages)
    for (const { resolve } of batch) resolve()
  }

  return {
    publish(messages) {
      if (messages.length === 0) return Promise.resolve()
      if (closed || queued + messages.length > queueMax) return Promise.reject(full(closed))
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      queue.push({ messages, resolve, reject })
      queued += messages.length
      draining ??= drain()
      return promise
    },
    async close() {
      closed = true
      await draining
    },
  }
}

/** How many of those that wait come to `sizeMax` messages; always one. */
function countWithin(waiting: readonly Waiting[], sizeMax: number): number {
  let size = 0
  const end = waiting.findIndex(({ messages }, index) => {
    size += messages.length
    return index > 0 && size > sizeMax
  })
  return end === -1 ? waiting.length : end
}

function full(closed: boolean): DatabaseUnavailable {
  const reason = closed ? 'the transport is closed' : 'too many messages wait to be published'
  return new DatabaseUnavailable('none', new Error(reason))
}
