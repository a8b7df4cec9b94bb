import { commandId, type Message, messageId, serviceScope } from '@semel/commands'
import { expect, onTestFinished, vi } from 'vitest'
import type { ConsumeOptions, Delivered, Transport } from './transport.ts'

/** What came to a reader. */
export type Reader = Readonly<{
  batches: readonly (readonly Delivered[])[]
  seen: readonly Delivered[]
  numbers(): number[]
  stop(): Promise<void>
}>

/** How long `vi.waitFor` waits, and how often it looks. */
export const patience = { timeout: 15_000, interval: 5 }

const scope = serviceScope('conformance')

/** Reads until so many have come; stops when the test ends. */
export async function readUntil(
  transport: Transport,
  group: string,
  topic: string,
  count: number,
  options: ConsumeOptions = {},
): Promise<Reader> {
  const reader = readWith(transport, group, topic, options)
  await vi.waitFor(() => expect(reader.seen.length).toBeGreaterThanOrEqual(count), patience)
  return reader
}

/** Reads a topic and keeps what came; `work` is then done on each batch. Stops with the test. */
export function readWith(
  transport: Transport,
  group: string,
  topic: string,
  options: ConsumeOptions = {},
  work: () => Promise<void> = async () => {},
): Reader {
  const batches: (readonly Delivered[])[] = []
  const seen: Delivered[] = []
  const onBatch = (batch: readonly Delivered[]) => {
    batches.push(batch)
    seen.push(...batch)
    return work()
  }
  const { stop } = transport.consume(group, [topic], onBatch, options)
  onTestFinished(stop)
  return { batches, seen, stop, numbers: () => seen.map(numberOf) }
}

/** A message whose body is a number. */
export function told(topic: string, partitionKey: string, n: number): Message {
  const command = commandId(scope, 'tell', `h:${crypto.randomUUID()}`)
  const time = new Date('2026-01-01T00:00:00.000Z')
  return {
    topic,
    partitionKey,
    type: 'told',
    body: n,
    id: messageId(command, 0, time),
    source: 'conformance',
    time,
    scope,
    commandId: command,
  }
}

/** A topic that nobody else has. */
export function freshTopic(): string {
  return `topic-${crypto.randomUUID()}`
}

/** The number that is the body. */
export function numberOf({ body }: Delivered): number {
  return Number(body)
}
