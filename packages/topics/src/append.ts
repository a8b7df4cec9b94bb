import { hash } from 'node:crypto'
import type { Message } from '@semel/commands'
import {
  int4Array,
  type MigrationSet,
  type Tx,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@semel/postgres'
import { bodyText } from './envelope.ts'
import type { Delivered } from './transport.ts'

/** The tables of the outbox. */
export const topicMigrations: MigrationSet = {
  set: 'topics',
  folder: new URL('../migrations/', import.meta.url),
}

/** How many partitions new messages are spread over, by topic; 1 where a topic is not named. */
export type PartitionCounts = Readonly<Record<string, number>>

/**
 * Makes the function that appends messages to the outbox, in the transaction of their effect.
 *
 * Messages get consecutive positions in their partition, in the order given. The partitions' heads
 * are locked in sorted order, as the last locks before the commit, and held until it: a reader
 * never sees a position before all lower ones. It resolves when the messages are sent; should they
 * not be written, nothing of the transaction is.
 *
 * The function rejects with {@link MessageTooLarge}, and has sent nothing, when a body is larger
 * than readers take: the effect that would tell it is not to be committed.
 */
export function outboxAppend(
  partitions: PartitionCounts = {},
): (tx: Tx, messages: readonly Message[]) => Promise<void> {
  return async (tx, messages) => {
    if (messages.length > 0) tx.send(statementOf(messages, partitions).statement)
  }
}

/**
 * As {@link outboxAppend}, and `place` is told how the messages will be delivered, in their order,
 * before whoever waits for the commit knows of it; if the transaction fails, they never will be.
 */
export function placingAppend(
  partitions: PartitionCounts,
  place: (delivered: readonly Delivered[]) => void,
): (tx: Tx, messages: readonly Message[]) => Promise<void> {
  return async (tx, messages) => {
    if (messages.length === 0) return
    const { statement, bodies, places } = statementOf(messages, partitions)
    tx.send<HeadRow>(statement, ({ rows }) => {
      const nexts = new Map(rows.map((row) => [headName(row), row.next]))
      place(
        messages.map((message, index) => {
          const { head, fromNext } = places[index]!
          const position = nexts.get(headName(head))! - fromNext
          return deliveredAs(message, head.partition, position, bodies[index]!)
        }),
      )
    })
  }
}

/** As a reader of the outbox would find it. */
function deliveredAs(
  { topic, partitionKey, id, type, source, time, scope, commandId, traceparent }: Message,
  partition: number,
  position: number,
  body: string,
): Delivered {
  return {
    ...{ topic, partition, position, partitionKey, id, type, source, time: time.toISOString() },
    ...{ scope, commandId, ...(traceparent ? { traceparent } : {}), body },
  }
}

function statementOf(messages: readonly Message[], partitions: PartitionCounts) {
  const column = <T>(of: (message: Message) => T) => messages.map(of)
  const { heads, places } = placesOf(messages, partitions)
  const bodies = column(bodyText)
  return {
    places,
    bodies,
    statement: {
      name: 'append-messages',
      text: appendMessages,
      values: [
        textArray(heads.map(({ topic }) => topic)),
        int4Array(heads.map(({ partition }) => partition)),
        int4Array(heads.map(({ count }) => count)),
        textArray(column(({ topic }) => topic)),
        int4Array(places.map(({ head }) => head.partition)),
        int4Array(places.map(({ fromNext }) => fromNext)),
        uuidArray(column(({ id }) => id)),
        textArray(column(({ partitionKey }) => partitionKey)),
        textArray(column(({ type }) => type)),
        textArray(column(({ source }) => source)),
        timestamptzArray(column(({ time }) => time)),
        textArray(column(({ scope }) => scope)),
        uuidArray(column(({ commandId }) => commandId)),
        textArray(column(({ traceparent = '' }) => traceparent)),
        textArray(bodies),
      ],
    },
  }
}

/** The partition of a key: always the same for the same key and count. */
export function partitionOf(key: string, count: number): number {
  if (count === 1) return 0
  return hash('sha256', key, 'buffer').readUInt32BE(0) % count
}

type HeadRow = Readonly<{ topic: string; partition: number; next: number }>

type Head = { readonly topic: string; readonly partition: number; count: number }

/**
 * The partitions that messages go to with the number of messages each gets, and for every message
 * its partition and how far below the partition's next position it comes to stand.
 *
 * Counted here, not by the window functions of SQL, which sort the batch twice.
 */
function placesOf(messages: readonly Message[], partitions: PartitionCounts) {
  const heads = new Map<string, Head>()
  const headOf = ({ topic, partitionKey }: Message) => {
    const partition = partitionOf(partitionKey, partitions[topic] ?? 1)
    const name = headName({ topic, partition })
    const head = heads.get(name) ?? { topic, partition, count: 0 }
    heads.set(name, head)
    return head
  }
  const places = messages.map((message) => {
    const head = headOf(message)
    head.count += 1
    return { head, place: head.count }
  })
  return {
    heads: [...heads.values()],
    places: places.map(({ head, place }) => ({ head, fromNext: head.count - place + 1 })),
  }
}

function headName({ topic, partition }: Pick<Head, 'topic' | 'partition'>): string {
  return `${partition} ${topic}`
}

// Two batches must lock the heads they share in one order; rows are locked as they are inserted.
const appendMessages = `
  with head as (
    insert into heads (topic, partition, next)
    select topic, partition, count
      from unnest($1::text[], $2::integer[], $3::integer[]) as head (topic, partition, count)
     order by topic collate "C", partition
        on conflict (topic, partition) do update set next = heads.next + excluded.next
    returning topic, partition, next
  ), message as (
    insert into outbox (topic, partition, position, id, partition_key, type, source, time, scope,
                        command_id, traceparent, body)
    select topic, partition, head.next - from_next, id, partition_key, type, source, time, scope,
           command_id, nullif(traceparent, ''), body
      from unnest($4::text[], $5::integer[], $6::integer[], $7::uuid[], $8::text[], $9::text[],
                  $10::text[], $11::timestamptz[], $12::text[], $13::uuid[], $14::text[],
                  $15::text[])
           as told (topic, partition, from_next, id, partition_key, type, source, time, scope,
                    command_id, traceparent, body)
      join head using (topic, partition)
  )
  select topic, partition, next from head`
