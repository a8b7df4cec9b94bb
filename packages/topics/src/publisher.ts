import type { Message } from '@semel/commands'
import { bodyText } from './envelope.ts'

/** Publishes for a process without a database of its own, or outside of any effect. */
export interface Publisher {
  /**
   * Resolves when all of them are durable. Rejects as `notTaken` says where too much waits already,
   * they have waited too long, or it is closed; else as `write` did.
   *
   * @throws {MessageTooLarge} None of them is taken.
   */
  publish(messages: readonly Message[]): Promise<void>
  /** Messages that wait to be durable. */
  waiting(): number
  /** Takes no more, and resolves when what was taken is settled. */
  close(): Promise<void>
}

/** What may wait to be published. */
export type PublisherLimits = Readonly<{
  /** Messages, with those that are being written. */
  queueMax: number
  /** Bytes of their bodies. */
  queueBytesMax: number
  /** X, in milliseconds. */
  queueWaitMaxMs: number
}>

/** 10,000 messages, 64 MiB of bodies, 5 s. */
export const usualPublishLimits: PublisherLimits = {
  queueMax: 10_000,
  queueBytesMax: 64 * 2 ** 20,
  queueWaitMaxMs: 5000,
}

/** What a publisher writes by. */
export type PublisherParts = Readonly<{
  /** Resolves when all of them are durable, in their order. */
  write(messages: readonly Message[]): Promise<void>
  /** Whether a write failed for what was written: its neighbours are then written without it. */
  isOfData(error: unknown): boolean
  /** Makes the error of what was not taken. */
  notTaken(reason: string): Error
  /** Told of what was written. */
  told(messages: readonly Message[]): void
  batchSizeMax: number
  limits: PublisherLimits
}>

type Waiting = Readonly<{
  messages: readonly Message[]
  bytes: number
  since: number
  resolve: () => void
  reject: (error: unknown) => void
}>

/**
 * Makes a publisher: one write at a time, with what arrived meanwhile, in the order of its arrival.
 * What cannot be written fails alone.
 */
export function createPublisher(parts: PublisherParts): Publisher {
  const { write, isOfData, notTaken, told, batchSizeMax, limits } = parts
  const queue = createQueue(limits, notTaken)
  let draining: Promise<void> | undefined
  let closed = false

  async function drain(): Promise<void> {
    // After the events at hand: all that arrived in this turn of the loop shares a write.
    await new Promise(setImmediate)
    for (;;) {
      const batch = queue.take(batchSizeMax)
      if (batch.length === 0) break
      await settle(batch)
    }
    draining = undefined
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.flatMap((each) => each.messages)
    try {
      await write(messages)
    } catch (error) {
      if (batch.length > 1 && isOfData(error)) {
        for (const each of batch) await settle([each])
        return
      }
      queue.leave(batch)
      for (const { reject } of batch) reject(error)
      return
    }
    queue.leave(batch)
    told(messages)
    for (const { resolve } of batch) resolve()
  }

  return {
    async publish(messages) {
      if (closed) throw notTaken('the transport is closed')
      if (messages.length === 0) return
      const published = queue.add(messages)
      draining ??= drain()
      return published
    },
    waiting: queue.count,
    async close() {
      closed = true
      await draining
    },
  }
}

/** What waits, within limits; what was taken out of it counts until it leaves. */
function createQueue(
  { queueMax, queueBytesMax, queueWaitMaxMs }: PublisherLimits,
  notTaken: (reason: string) => Error,
) {
  let waiting: Waiting[] = []
  let count = 0
  let bytes = 0
  let watch: NodeJS.Timeout | undefined

  function leave(those: readonly Waiting[]): void {
    for (const each of those) {
      count -= each.messages.length
      bytes -= each.bytes
    }
  }

  /** Behind a write that hangs no other begins: it is this timer that keeps the limit. */
  function watchWaiting(): void {
    if (watch !== undefined || waiting[0] === undefined) return
    const leftMs = Math.max(1, waiting[0].since + queueWaitMaxMs - performance.now())
    watch = setTimeout(() => {
      watch = undefined
      const sinceMin = performance.now() - queueWaitMaxMs
      const late = waiting.filter(({ since }) => since <= sinceMin)
      waiting = waiting.slice(late.length)
      leave(late)
      for (const { reject } of late) reject(notTaken('messages have waited too long'))
      watchWaiting()
    }, leftMs).unref()
  }

  return {
    /** @throws {MessageTooLarge} Or what `notTaken` makes. */
    add(messages: readonly Message[]): Promise<void> {
      const size = messages.reduce((sum, each) => sum + Buffer.byteLength(bodyText(each)), 0)
      if (count + messages.length > queueMax || bytes + size > queueBytesMax) {
        throw notTaken('too many messages wait to be published')
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.push({ messages, bytes: size, since: performance.now(), resolve, reject })
      count += messages.length
      bytes += size
      watchWaiting()
      return promise
    },
    /** The next ones, of at most so many messages; always one, if there is one. */
    take(sizeMax: number): readonly Waiting[] {
      const taken = waiting.slice(0, countWithin(waiting, sizeMax))
      waiting = waiting.slice(taken.length)
      return taken
    },
    leave,
    count: () => count,
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
