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
 * never sees a position before all lower ones.
 */
export function outboxAppend(
  partitions: PartitionCounts = {},
): (tx: Tx, messages: readonly Message[]) => Promise<void> {
  return async (tx, messages) => {
    if (messages.length === 0) return
    const column = <T>(of: (message: Message) => T) => messages.map(of)
    await tx.query({
      name: 'append-messages',
      text: appendMessages,
      values: [
        textArray(column(({ topic }) => topic)),
        int4Array(
          column(({ topic, partitionKey }) => partitionOf(partitionKey, partitions[topic] ?? 1)),
        ),
        uuidArray(column(({ id }) => id)),
        textArray(column(({ partitionKey }) => partitionKey)),
        textArray(column(({ type }) => type)),
        textArray(column(({ source }) => source)),
        timestamptzArray(column(({ time }) => time)),
        textArray(column(({ scope }) => scope)),
        uuidArray(column(({ commandId }) => commandId)),
        textArray(column(({ traceparent = '' }) => traceparent)),
        textArray(column(({ body }) => JSON.stringify(body))),
      ],
    })
  }
}

/** The partition of a key: always the same for the same key and count. */
export function partitionOf(key: string, count: number): number {
  if (count === 1) return 0
  return hash('sha256', key, 'buffer').readUInt32BE(0) % count
}

const appendMessages = `
  with message as (
    select * from unnest($1::text[], $2::integer[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::text[], $9::uuid[], $10::text[], $11::text[])
           with ordinality
           as m (topic, partition, id, partition_key, type, source, time, scope, command_id,
                 traceparent, body, place)
  ), head as (
    insert into heads (topic, partition, next)
    select topic, partition, count(*) from message group by topic, partition
     order by topic, partition
        on conflict (topic, partition) do update set next = heads.next + excluded.next
    returning topic, partition, next
  )
  insert into outbox (topic, partition, position, id, partition_key, type, source, time, scope,
                      command_id, traceparent, body)
  select topic, partition,
         head.next - count(*) over (partition by topic, partition)
           + row_number() over (partition by topic, partition order by place) - 1,
         id, partition_key, type, source, time, scope, command_id, nullif(traceparent, ''), body
    from message join head using (topic, partition)`
