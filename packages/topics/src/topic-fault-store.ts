import type { Queryable } from '@semel/postgres'

/** Something that is not as it must be in the outbox; `id` names a partition, or its reader. */
export type TopicFault = Readonly<{
  what: 'gap' | 'head' | 'position' | 'unread-gone'
  id: string
  is: string
  shouldBe: string
}>

/**
 * Lists, up to `limit`, where the outbox is not sound; empty when it is. One statement, so that all
 * is seen as of one moment. It reads the place of every message.
 *
 * `gap`: a position is missing between two messages. Where retention has deleted messages, gaps in
 * the first minute of what is left are its seam, and no fault. `head`: the next position is not the
 * one behind the last message. `position`: a group has read more than there is. `unread-gone`: the
 * message that a group is to read next is missing.
 */
export async function findTopicFaults(db: Queryable, limit = 100): Promise<readonly TopicFault[]> {
  const { rows } = await db.query<TopicFault>({ text: selectFaults, values: [limit] })
  return rows
}

const selectFaults = `
  with placed as (
    select topic, partition, position, time,
           lag(position) over (partition by topic, partition order by position) as before,
           min(position) over (partition by topic, partition) as first,
           min(time) over (partition by topic, partition) as oldest
      from outbox
  ), ends as (
    select topic, partition, max(position) as last from outbox group by topic, partition
  ), fault as (
    select 'gap' as what, topic || '/' || partition as id,
           'position ' || position || ' behind ' || before as found,
           'position ' || before + 1 as should_be
      from placed
     where position <> before + 1 and (first = 0 or time > oldest + interval '1 minute')
    union all
    select 'head', topic || '/' || partition, coalesce('next is ' || next, 'no head'),
           'next is ' || last + 1
      from ends left join heads using (topic, partition)
     where next is distinct from last + 1
    union all
    select 'position', consumer_group || ' at ' || topic || '/' || partition,
           'position ' || position, 'at most ' || coalesce(next, 0)
      from positions left join heads using (topic, partition)
     where position > coalesce(next, 0)
    union all
    select 'unread-gone', consumer_group || ' at ' || topic || '/' || partition,
           'no message at ' || p.position, 'the message at ' || p.position
      from positions p join heads h using (topic, partition)
     where p.position < h.next
       and not exists (select from outbox o where o.topic = p.topic and o.partition = p.partition
                          and o.position = p.position)
  )
  select what, id, found as "is", should_be as "shouldBe" from fault order by what, id limit $1`
