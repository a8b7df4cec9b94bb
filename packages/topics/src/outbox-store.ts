import { type Pool, type Queryable, queryable, textArray } from '@semel/postgres'
import type { Page } from './partition-reader.ts'
import type { Delivered } from './transport.ts'

/** A partition that was ever written, and what one of the groups asked for has come to there. */
export type HeadRow = Readonly<{
  topic: string
  partition: number
  next: number
  group: string | null
  position: number | null
  generation: number | null
}>

/** A row of the outbox, its columns under the names of `Delivered`. */
export type OutboxRow = Readonly<
  Omit<Delivered, 'time' | 'traceparent'> & { time: Date | number; traceparent: string | null }
>

/**
 * A row of the outbox as a reader gets it. A column of time can hold `infinity`, which is no
 * moment, and years beyond those of `Date`: such a message has no time.
 */
export function deliveredOf<Row extends OutboxRow>({
  time,
  traceparent,
  ...row
}: Row): Omit<Row, 'time' | 'traceparent'> & Pick<Delivered, 'time' | 'traceparent'> {
  return {
    ...row,
    ...(isMoment(time) ? { time: time.toISOString() } : {}),
    ...(traceparent === null ? {} : { traceparent }),
  }
}

function isMoment(time: Date | number): time is Date {
  return time instanceof Date && !Number.isNaN(time.getTime())
}

/** Reads the ends of topics, with the positions of groups; several rows where several have one. */
export async function readHeads(
  db: Queryable,
  topics: readonly string[],
  groups: readonly string[],
): Promise<readonly HeadRow[]> {
  const { rows } = await db.query<HeadRow>({
    name: 'read-heads',
    text: `select h.topic, h.partition, h.next, p.consumer_group as "group", p.position,
                  p.generation
             from heads h
             left join positions p on p.consumer_group = any ($2::text[])
                                  and p.topic = h.topic and p.partition = h.partition
            where h.topic = any ($1::text[])`,
    values: [textArray(topics), textArray(groups)],
  })
  return rows
}

/**
 * Reads messages of a partition from a position on, by primary key: at most `rowsMax`, and no more
 * once their bodies come to `bytesMax`; always one, if there is one.
 */
export async function readPage(
  db: Queryable,
  at: Readonly<{ topic: string; partition: number; from: number }>,
  { rowsMax, bytesMax }: Readonly<{ rowsMax: number; bytesMax: number }>,
): Promise<Page> {
  const { rows } = await db.query<OutboxRow & { fetched: number }>({
    name: 'read-page',
    // Sizes of bodies are known without reading them; those beyond the limit stay on disk.
    text: `select topic, partition, position, partition_key as "partitionKey", id, type, source,
                  time, scope, command_id as "commandId", traceparent, body, fetched::integer
             from (select *, count(*) over () as fetched,
                          row_number() over way as place,
                          sum(octet_length(body)) over way as bytes
                     from (select * from outbox
                            where topic = $1 and partition = $2 and position >= $3
                            order by topic, partition, position
                            limit $4) as page
                   window way as (order by position rows unbounded preceding)) as measured
            where bytes <= $5 or place = 1
            order by position`,
    values: [at.topic, at.partition, at.from, rowsMax, bytesMax],
  })
  const fetched = rows[0]?.fetched ?? 0
  return {
    messages: rows.map(({ fetched: _, ...row }) => deliveredOf(row)),
    hasMore: fetched === rowsMax || rows.length < fetched,
  }
}

/** Every partition that was ever written. */
export async function listPartitions(
  pool: Pool,
): Promise<readonly Readonly<{ topic: string; partition: number }>[]> {
  const { rows } = await queryable(pool).query<{ topic: string; partition: number }>({
    text: 'select topic, partition from heads order by topic, partition',
  })
  return rows
}

/**
 * Deletes messages told before a time, from the start of a partition, that every group which reads
 * the topic has passed. A group that has read other partitions only has passed nothing of this one.
 * Where no group reads, `unread` says whether they go as well.
 */
export async function deletePassed(
  pool: Pool,
  { topic, partition }: Readonly<{ topic: string; partition: number }>,
  options: Readonly<{ toldBefore: Date; unread: boolean; batchSizeMax: number }>,
): Promise<number> {
  const { toldBefore, unread, batchSizeMax } = options
  const { rowCount } = await queryable(pool).query({
    name: 'delete-passed',
    // Nothing is locked but what is deleted; where another sweeper has locked it, that deletes it.
    text: `with page as (
             select position, time from outbox
              where topic = $1 and partition = $2
                and position < (select coalesce(min(coalesce(p.position, 0)), $4::bigint)
                                  from (select distinct consumer_group from positions
                                         where topic = $1) as reader
                                  left join positions p
                                    on p.consumer_group = reader.consumer_group
                                   and p.topic = $1 and p.partition = $2)
              order by topic, partition, position
              limit $5
           ), due as (
             select o.position
               from page
               join outbox o on o.topic = $1 and o.partition = $2 and o.position = page.position
              where page.time < $3
                for update of o skip locked)
           delete from outbox o using due
            where o.topic = $1 and o.partition = $2 and o.position = due.position`,
    values: [topic, partition, toldBefore, unread ? Number.MAX_SAFE_INTEGER : 0, batchSizeMax],
  })
  return rowCount
}

/**
 * When the oldest message was told that is still there; undefined where there is none. By the first
 * of each partition: those behind it were told later, or in the same moments. One that says that it
 * was told in the future, or in no year of ours, tells nothing of those behind it.
 */
export async function oldestMessageTime(pool: Pool, now: Date): Promise<Date | undefined> {
  const { rows } = await queryable(pool).query<{ time: Date | null }>({
    name: 'oldest-message-time',
    text: `select min(first.time) as time
             from heads h
            cross join lateral (select time from outbox o
                                 where o.topic = h.topic and o.partition = h.partition
                                   and o.time between '0001-01-01' and $1
                                 order by o.topic, o.partition, o.position
                                 limit 1) as first`,
    values: [now],
  })
  return rows[0]?.time ?? undefined
}
