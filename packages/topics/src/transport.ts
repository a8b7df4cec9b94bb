import type { Message } from '@semel/commands'

/**
 * A message as a reader gets it: at its place, and as the transport carried it. Nothing of it has
 * been judged: attributes may be missing, the body may be no JSON.
 */
export type Delivered = Readonly<{
  topic: string
  partition: number
  position: number
  partitionKey: string
  id?: string
  type?: string
  source?: string
  /** RFC 3339. */
  time?: string
  scope?: string
  commandId?: string
  traceparent?: string
  /** JSON, as it was sent. */
  body: string
}>

/** How a transport reads for a group. */
export type ConsumeOptions = Readonly<{
  /** Messages in a batch, at most. Default 256. */
  batchSizeMax?: number
  /**
   * Under load, batches of a partition begin at least so far apart, in milliseconds, unless more is
   * there than one takes: they are larger then, and each message costs less. What comes after a
   * pause as long waits for nothing. Default 0. The memory transport, whose batches cost nothing,
   * leaves it aside.
   */
  batchIntervalMs?: number
  /** Told of every error that is tried again. Default: nobody is. */
  report?: (error: unknown) => void
}>

/**
 * What carries topics: at least once, in order per partition key.
 *
 * A transport passes the suite of `@semel/topics/conformance`.
 */
export interface Transport {
  /**
   * Resolves when all of them are durable; rejects when that is not known.
   *
   * @throws {MessageTooLarge} One has a body larger than readers take; none of them is sent.
   */
  publish(messages: readonly Message[]): Promise<void>
  /**
   * Reads topics for a group, from where the group has come to. A batch is of one partition, in its
   * order; the next one of that partition comes when `onBatch` has resolved, after which the
   * group's position is committed. If `onBatch` rejects, the same messages come again, with
   * back-off and without end. Another process that reads for the same group takes over when this
   * one ends.
   *
   * `stop` resolves when no batch is being worked on and the positions are committed.
   */
  consume(
    group: string,
    topics: readonly string[],
    onBatch: (batch: readonly Delivered[]) => Promise<void>,
    options?: ConsumeOptions,
  ): { stop(): Promise<void> }
}

/** A transport whose consumers read the outbox itself, in the database that they share. */
export interface OutboxTransport<Tx> extends Transport {
  /** Appends messages in the transaction of their effect; then `told` wakes their readers. */
  append(tx: Tx, messages: readonly Message[]): Promise<void>
  /**
   * To be called when a transaction that appended these is committed, with the very array that was
   * appended: its readers in this process get them without a read. Without it they wait for the
   * poll.
   */
  told(messages: readonly Message[]): void
}
