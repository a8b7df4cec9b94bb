import { type Executor, processTimers, serviceScope, type Timers } from '@semel/commands'
import { type DeadLetters, letterId, type Parking, storable } from './dead-letters.ts'
import { decideInOrder, type Fate, type JudgedMessage } from './decide-in-order.ts'
import { judgeFor } from './judge.ts'
import { limitTo } from './limit.ts'
import type { ConsumerObserver } from './observer.ts'
import { startRedriver } from './redriver.ts'
import type { DeclaredType, Subscription } from './subscription.ts'
import type { Delivered, Transport } from './transport.ts'

/** What a consumer is made of. */
export type ConsumerOptions<Tx> = Readonly<{
  transport: Pick<Transport, 'consume'>
  /** The service that reads: lower-case letters and hyphens. Positions and letters are its own. */
  group: string
  /** What it does about messages. Their topics are those that are read. */
  subscriptions: readonly Subscription[]
  /** Every type that any contract declares; see `declaredTypes`. */
  declared: readonly DeclaredType[]
  executor: Pick<Executor<Tx>, 'submitCarried'>
  deadLetters: DeadLetters<Tx>
  /** Told of every error that is tried again. Default: nobody is. */
  report?: ((error: unknown) => void) | undefined
  /** Told what it does, to be counted. Default: nobody is. */
  observe?: ConsumerObserver | undefined
  /** Messages in a batch, at most. Default 256. */
  batchSizeMax?: number
  /** How far apart batches begin under load, in milliseconds; see `ConsumeOptions`. Default 0. */
  batchIntervalMs?: number
  /**
   * Batches worked on at once, of all partitions. Default 2: however many partitions there are, a
   * consumer that hangs holds no more connections than that.
   */
  batchesMax?: number
  /** How often it looks for letters to be redriven, in milliseconds. Default 1,000. */
  redriveIntervalMs?: number
  /** The time that letters are parked at. Default: the clock of this process. */
  clock?: () => Date
  /** How it waits between two looks. Default: by the timers of this process. */
  timers?: Timers
}>

/** A consumer that runs. */
export type Consumer = Readonly<{
  /** Reads no more, and resolves when what it works on is done. */
  stop(): Promise<void>
}>

/** How often a batch is looked at again because what stood in its way went meanwhile. */
const looksMax = 8

/**
 * Starts to turn a group's messages into commands: in order per partition key, at least once, which
 * the command log makes once.
 *
 * A message that can never be decided becomes a dead letter, with its reason; those that follow it
 * under its partition key wait behind it, and no other key does. Whatever fails for now (the
 * database is away) is tried again without end, in the same order. Letters that an operator wants
 * redriven are tried again from here, without a restart.
 *
 * @throws TypeError when the group's name is none, two subscriptions are for the same type, or one
 * is for a type that nobody declares.
 */
export function startConsumer<Tx>(options: ConsumerOptions<Tx>): Consumer {
  const { transport, group, subscriptions, declared, executor, deadLetters } = options
  const { report = () => {}, batchSizeMax = 256, batchIntervalMs = 0, batchesMax = 2 } = options
  const { redriveIntervalMs = 1000, clock = () => new Date(), timers = processTimers } = options
  const { observe } = options
  serviceScope(group)
  const judge = judgeFor(group, subscriptions, declared)
  const topics = [...new Set(subscriptions.map(({ topic }) => topic))]
  const redriver = startRedriver({
    ...{ group, executor, deadLetters, judge, report, timers },
    intervalMs: redriveIntervalMs,
  })

  /** Whether the batch is dealt with: decided, or parked. */
  async function look(batch: readonly JudgedMessage[]): Promise<boolean> {
    const { topic, partition } = batch[0]!.message
    const ids = batch.map(({ message }) => letterId(message))
    const partitionKeys = [...new Set(batch.map(({ message }) => message.partitionKey))]
    const asked = { topic, partition, ids, partitionKeys }
    const fates = await decideInOrder(executor, batch, async (tx) => {
      const standing = await deadLetters.standing(tx, group, asked)
      if (standing.redriveWanted) redriver.wake()
      return standing
    })
    const letters = parkingsOf(batch, fates)
    if (letters.length > 0 && !(await deadLetters.park(group, letters, clock()))) return false
    for (const { kind } of fates) observe?.messageRead(topic, kind)
    for (const { reason } of letters) observe?.messageParked(topic, reason)
    return true
  }

  async function lookAgain(batch: readonly JudgedMessage[]): Promise<void> {
    for (let looks = 1; looks <= looksMax; looks += 1) if (await look(batch)) return
    throw new Error(`what stands in the way of a batch of ${group} does not come to rest`)
  }

  async function onBatch(delivered: readonly Delivered[]): Promise<void> {
    // What nobody here subscribes to is most of some topics, and asks nothing of the database.
    const judged = delivered.map(storable).map((message) => ({ message, judged: judge(message) }))
    const batch = judged.filter(({ judged }) => judged.kind !== 'skip')
    if (batch.length > 0) await lookAgain(batch)
    for (const { message, judged: skipped } of judged) {
      if (skipped.kind === 'skip') observe?.messageRead(message.topic, 'skipped')
    }
  }

  const limits = { batchSizeMax, batchIntervalMs, report }
  const inTurn = limitTo(batchesMax)
  const reading = transport.consume(group, topics, (batch) => inTurn(() => onBatch(batch)), limits)
  return {
    async stop() {
      await Promise.all([reading.stop(), redriver.stop()])
    },
  }
}

/** The letters of a batch. Of a message that came twice in it, the first is parked. */
function parkingsOf(
  messages: readonly JudgedMessage[],
  fates: readonly Fate[],
): readonly Parking[] {
  const letters = new Map<string, Parking>()
  for (const [index, { message }] of messages.entries()) {
    const fate = fates[index]!
    const id = letterId(message)
    if (fate.kind !== 'parked' || letters.has(id)) continue
    const { reason, detail, behindStored } = fate
    letters.set(id, { id, message, reason, detail, behindStored })
  }
  return [...letters.values()]
}
