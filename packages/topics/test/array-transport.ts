import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Message } from '@semel/commands'
import type { Delivered, Transport } from '@semel/topics'

/** A topic of one partition: what was sent so far, in order. */
export type ArrayTransport = Pick<Transport, 'consume'> &
  Readonly<{
    /** Appends messages, with whatever attributes they are to arrive. */
    send(...messages: readonly Delivered[]): void
    /** What happened so far to every batch: how many times one was refused. */
    rejections(): number
    /** Resolves when all that was sent is read and committed. */
    drained(): Promise<void>
    /** Reads from the start again. */
    reset(): void
  }>

const drainMaxMs = 20_000

/** The smallest transport there is: an array, one reader, and no back-off worth the name. */
export function arrayTransport(): ArrayTransport {
  const sent: Delivered[] = []
  let position = 0
  let rejected = 0
  return {
    send(...messages) {
      for (const message of messages) sent.push({ ...message, position: sent.length })
    },
    rejections: () => rejected,
    reset() {
      position = 0
    },
    async drained() {
      const deadline = performance.now() + drainMaxMs
      while (position < sent.length) {
        if (performance.now() > deadline) throw new Error(`stuck at ${position}`)
        await nextTurn()
      }
    },
    consume(_group, _topics, onBatch, { batchSizeMax = 256, report = () => {} } = {}) {
      let stopped = false
      const loop = async () => {
        while (!stopped) {
          const batch = sent.slice(position, position + batchSizeMax)
          const from = position
          if (batch.length > 0) {
            try {
              await onBatch(batch)
              if (position === from) position += batch.length
            } catch (error) {
              rejected += 1
              report(error)
            }
          }
          await nextTurn()
        }
      }
      const ended = loop()
      return {
        async stop() {
          stopped = true
          await ended
        },
      }
    },
  }
}

/** A message as the outbox would deliver it. */
export function delivered(message: Message, more: Partial<Delivered> = {}): Delivered {
  const { topic, partitionKey, id, type, source, time, scope, commandId, traceparent } = message
  return {
    ...{ topic, partition: 0, position: 0, partitionKey, id, type, source, scope, commandId },
    time: time.toISOString(),
    ...(traceparent === undefined ? {} : { traceparent }),
    body: JSON.stringify(message.body),
    ...more,
  }
}
