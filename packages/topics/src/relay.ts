import type { ConsumeOptions, Delivered, Transport } from './transport.ts'

/** The group of the outbox that relays are: its positions say how far they have come. */
export const relayGroup = 'relay'

/** What a relay is made of. */
export type RelayOptions = Readonly<{
  /** The outbox. */
  from: Pick<Transport, 'consume'>
  /** What the outbox is copied into. Resolves when all of them are durable, in their order. */
  to: Readonly<{ forward(messages: readonly Delivered[]): Promise<void> }>
  topics: readonly string[]
}> &
  ConsumeOptions

/** A relay that runs. */
export type Relay = Readonly<{
  /** Copies no more, and resolves when what it has copied is noted. */
  stop(): Promise<void>
}>

/**
 * Starts to copy the topics of an outbox into another transport: every message as it is, with its
 * id, in the order of its partition, at least once. It is a group among the readers of the outbox:
 * nothing is dropped there before it is copied, and each partition is copied by one process at a
 * time. A message is copied again where a process dies between the copy and its note; where two
 * copy at once for a moment, what follows the first copies keeps its order.
 */
export function startRelay({ from, to, topics, ...options }: RelayOptions): Relay {
  return from.consume(relayGroup, topics, (batch) => to.forward(batch), options)
}
