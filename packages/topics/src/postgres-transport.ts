import { type Message, type Sweep, startSweeper } from '@semel/commands'
import { DatabaseUnavailable, type Pool, queryable, type Tx, transaction } from '@semel/postgres'
import { type PartitionCounts, partitionOf, placingAppend } from './append.ts'
import { type HeadRow, readHeads, readPage } from './outbox-store.ts'
import { type Claim, createOwnership, type Ownership } from './ownership.ts'
import { backOffMs, startPartitionReader } from './partition-reader.ts'
import { createPublisher, type PublisherLimits, usualPublishLimits } from './publisher.ts'
import { type Recurring, recurring } from './recurring.ts'
import { agesOf, databaseSweeps, type Retention } from './retention.ts'
import type { ConsumeOptions, Delivered, OutboxTransport } from './transport.ts'

/** How a PostgreSQL transport works. */
export type PostgresTransportOptions = Readonly<{
  /** At least two connections: one is taken for itself while anything is consumed. */
  pool: Pool
  /** How many partitions new messages are spread over, by topic. Default 1 each. */
  partitions?: PartitionCounts
  /**
   * How often to look for messages of other processes, in milliseconds: one statement for all that
   * is consumed. Default 50, falling to 200 when nothing has come for a while.
   */
  pollMs?: number
  /** How often to try to get partitions that others read, in milliseconds. Default 1,000. */
  ownMs?: number
  /** Bodies in a batch, in bytes, at most, though always one message. Default 8 MiB. */
  batchBytesMax?: number
  /**
   * What may wait to be published; more is refused at once, and what waits longer then. Default
   * 10,000 messages, 64 MiB of bodies, 5,000 ms.
   */
  publishLimits?: Partial<PublisherLimits>
  /**
   * How the outbox, the command log and discarded letters of the database age; they are swept
   * while anything is consumed. Commands are remembered longer than messages are kept, by default
   * for 30 and for 7 days.
   */
  retention?: Retention
  /** Told of every error that is tried again. Default: nobody is. */
  report?: (error: unknown) => void
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  random?: () => number
}>

/** The transport over a PostgreSQL database. */
export interface PostgresTransport extends OutboxTransport<Tx> {
  /** How long its database remembers commands, in milliseconds. */
  readonly rememberedMs: number
  /** How many messages a group that consumes here has still to read, when it was last looked. */
  lagOf(group: string): number
  /** The same by partition, of every group that consumes here, in whichever process it reads. */
  lags(): readonly Lag[]
  /** Messages that wait to be published. */
  waiting(): number
  /** Stops all consumers, publishes what was taken, and leaves the pool to whoever ends it. */
  close(): Promise<void>
}

/** How many messages of a partition a group has not read. */
export type Lag = Readonly<{ group: string; topic: string; partition: number; messages: number }>

type Consumer = Readonly<{
  group: string
  topics: readonly string[]
  claims: Map<string, Claim>
  open: (topic: string, partition: number) => Claim['open']
  report: (error: unknown) => void
}>

const idlePollMs = 200
const pollsUntilIdle = 20
const publishBatchMax = 1000

/**
 * Makes a transport over the outbox; needs `topicMigrations` and `commandMigrations`. It is the
 * sweeper of what services share in their database: one is enough for all of them.
 *
 * `publish` shares a transaction among all that publish at once and keeps the order of one caller's
 * messages. It rejects with `DatabaseUnavailable`, code `unavailable`, when that is not known to be
 * committed; when the reply to a COMMIT is lost, messages may be appended twice.
 *
 * A group reads a partition in one process at a time, by advisory lock; another one takes over
 * within seconds of its end. Every partition that was ever written is read, whatever the counts are
 * now. Positions are written while the next batch is worked on, and not waited for: after a crash,
 * the last batches may come again.
 *
 * @throws {RangeError} where the pool is too small, or commands would be forgotten before messages.
 */
export function postgresTransport(options: PostgresTransportOptions): PostgresTransport {
  const { pool, partitions = {}, ownMs = 1000, report = () => {} } = options
  const { publishLimits, random = Math.random } = options
  const { rememberedMs } = agesOf(options.retention)
  if ((pool.options.max ?? 0) < 2) throw new RangeError('the pool needs two connections or more')
  const consumers = new Set<Consumer>()
  const reportAll = (error: unknown) => {
    const all = new Set([report, ...[...consumers].map((consumer) => consumer.report)])
    for (const each of all) each(error)
  }
  const ownership = createOwnership({ pool, everyMs: ownMs, report: reportAll, random })
  const polling = createPolling(options, consumers, ownership, reportAll)
  const sweeper = createSweeper(options, consumers, reportAll)
  const { append, deliveredOf } = createAppending(partitions)
  const publisher = createPublisher({
    write: (messages) => transaction(pool, (tx) => append(tx, messages)),
    isOfData: (error) => !(error instanceof DatabaseUnavailable),
    notTaken: (reason) => new DatabaseUnavailable('none', new Error(reason)),
    told,
    batchSizeMax: publishBatchMax,
    limits: { ...usualPublishLimits, ...publishLimits },
  })
  const stops = new Set<() => Promise<void>>()
  let isClosed = false

  function told(messages: readonly Message[]): void {
    if (consumers.size === 0) return
    const delivered = deliveredOf(messages)
    const names = messages.map((message) => nameOfMessage(message, partitions))
    const handed = delivered && Map.groupBy(delivered, (one) => nameOf(one.topic, one.partition))
    const topicOf = new Map(names.map((name, index) => [name, messages[index]!.topic]))
    for (const { topics, claims } of consumers) {
      for (const [name, topic] of topicOf) {
        if (claims.has(name)) claims.get(name)?.reader?.wake(handed?.get(name))
        else if (topics.includes(topic)) polling.soon()
      }
    }
  }

  return {
    rememberedMs,
    ...{ lagOf: polling.lagOf, lags: polling.lags },
    ...{ publish: publisher.publish, waiting: publisher.waiting },
    append,
    told,
    consume(group, topics, onBatch, consumeOptions = {}) {
      if (isClosed) throw new TypeError('the transport is closed')
      const consumer = createConsumer(options, group, topics, onBatch, consumeOptions)
      consumers.add(consumer)
      // Also of topics that nobody has written to: from now on they are kept for this group.
      for (const topic of topics) claim(consumer, topic, 0, ownership)
      polling.soon()
      let stopping: Promise<void> | undefined
      const stop = () => {
        stops.delete(stop)
        consumers.delete(consumer)
        stopping ??= ownership.drop([...consumer.claims.values()])
        return stopping
      }
      stops.add(stop)
      return { stop }
    },
    async close() {
      isClosed = true
      await Promise.all([...stops].map((stop) => stop()))
      await Promise.all([publisher.close(), polling.stop(), sweeper.stop()])
    },
  }
}

function createConsumer(
  { pool, batchBytesMax = 8 * 2 ** 20, random = Math.random }: PostgresTransportOptions,
  group: string,
  topics: readonly string[],
  onBatch: (batch: readonly Delivered[]) => Promise<void>,
  { batchSizeMax = 256, batchIntervalMs = 0, report = () => {} }: ConsumeOptions,
): Consumer {
  const limits = { rowsMax: batchSizeMax, bytesMax: batchBytesMax }
  const db = queryable(pool)
  const open = (topic: string, partition: number): Claim['open'] => {
    const read = (from: number) => readPage(db, { topic, partition, from }, limits)
    const parts = { read, onBatch, report, random, batchIntervalMs, limits }
    return (start, commit) => startPartitionReader({ ...parts, start, commit })
  }
  return { group, topics, claims: new Map(), open, report }
}

/** Looks for partitions, messages and resets of other processes, in one statement. */
function createPolling(
  { pool, pollMs = 50, random = Math.random }: PostgresTransportOptions,
  consumers: ReadonlySet<Consumer>,
  ownership: Ownership,
  report: (error: unknown) => void,
): Recurring & Pick<PostgresTransport, 'lagOf' | 'lags'> {
  const db = queryable(pool)
  let lags: readonly Lag[] = []
  let groupLags: ReadonlyMap<string, number> = new Map()
  let idle = 0
  let failures = 0

  async function poll(): Promise<number> {
    if (consumers.size === 0) return Infinity
    const topics = [...new Set([...consumers].flatMap((consumer) => consumer.topics))]
    const groups = [...new Set([...consumers].map(({ group }) => group))]
    const rows = await readHeads(db, topics, groups)
    lags = rows.flatMap(lagIn)
    groupLags = lagsOfGroups(lags)
    failures = 0
    const news = rows.filter((row) => isNews(row, consumers, ownership))
    idle = news.length > 0 ? 0 : idle + 1
    return idle > pollsUntilIdle ? Math.max(pollMs, idlePollMs) : pollMs
  }

  const repeated = recurring(poll, (error) => {
    failures += 1
    report(error)
    return Math.max(pollMs, backOffMs(failures, random))
  })
  return {
    ...repeated,
    lagOf: (group) => groupLags.get(group) ?? 0,
    lags: () => lags,
  }
}

/** Summed at each look, and not for each command that asks whether it may tell more. */
function lagsOfGroups(lags: readonly Lag[]): ReadonlyMap<string, number> {
  const groups = [...Map.groupBy(lags, ({ group }) => group)]
  return new Map(
    groups.map(([group, of]) => [group, of.reduce((sum, { messages }) => sum + messages, 0)]),
  )
}

/** Nothing of a partition that none of the groups has begun to read. */
function lagIn({ group, topic, partition, next, position }: HeadRow): Lag[] {
  if (group === null || position === null) return []
  return [{ group, topic, partition, messages: next - position }]
}

function isNews(row: HeadRow, consumers: Iterable<Consumer>, ownership: Ownership): boolean {
  const { topic, partition, next, group, position, generation } = row
  let news = false
  for (const consumer of consumers) {
    if (!consumer.topics.includes(topic)) continue
    const { reader } = claim(consumer, topic, partition, ownership)
    if (reader?.sawHead(next)) news = true
    if (group === consumer.group) reader?.moveTo({ position: position!, generation: generation! })
  }
  return news
}

function claim(consumer: Consumer, topic: string, partition: number, ownership: Ownership): Claim {
  const { group, claims, open } = consumer
  const known = claims.get(nameOf(topic, partition))
  if (known !== undefined) return known
  const made = { group, topic, partition, open: open(topic, partition) }
  claims.set(nameOf(topic, partition), made)
  ownership.add(made)
  return made
}

/** A process that reads nothing has better things to do than to sweep. */
function createSweeper(
  { pool, retention = {} }: PostgresTransportOptions,
  consumers: ReadonlySet<Consumer>,
  report: (error: unknown) => void,
): ReturnType<typeof startSweeper> {
  const sweeps = databaseSweeps(pool, retention).map(
    (sweep): Sweep =>
      async (signal) =>
        consumers.size > 0 && sweep(signal),
  )
  const { everyMs } = retention
  return startSweeper(sweeps, { report, ...(everyMs === undefined ? {} : { everyMs }) })
}

/** Appends, and knows afterwards how what was appended will be delivered. */
function createAppending(partitions: PartitionCounts) {
  type Attempt = { delivered?: readonly Delivered[] }
  /** By the array that was appended: an attempt that was repeated is known by its last one only. */
  const attempts = new WeakMap<readonly Message[], Attempt>()
  const append: PostgresTransport['append'] = (tx, messages) => {
    const attempt: Attempt = {}
    attempts.set(messages, attempt)
    const place = (delivered: readonly Delivered[]) => void Object.assign(attempt, { delivered })
    return placingAppend(partitions, place)(tx, messages)
  }
  return {
    append,
    deliveredOf: (messages: readonly Message[]) => attempts.get(messages)?.delivered,
  }
}

function nameOfMessage({ topic, partitionKey }: Message, partitions: PartitionCounts): string {
  return nameOf(topic, partitionOf(partitionKey, partitions[topic] ?? 1))
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
