import { commands } from '@semel/contracts/catalogue'
import { type Pool, type Queryable, type Tx, transaction } from '@semel/postgres'
import { deciderOf } from '../readings.ts'

/** What a check found: what was looked at, and where it is not as it must be. */
export type Fault = Readonly<{ id: string; is: string; shouldBe: string }>

/**
 * Runs work that only reads in one snapshot: all that it sees is as of one moment. Plans may scan
 * whole tables here, which is what checks do.
 */
export function inSnapshot<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return transaction(pool, async (tx) => {
    await tx.query({ text: 'set transaction isolation level repeatable read, read only' })
    await tx.query({
      text: `select set_config('enable_seqscan', 'on', true), set_config('work_mem', '64MB', true),
                    set_config('plan_cache_mode', 'auto', true)`,
    })
    return work(tx)
  })
}

/** Tables that checks count. */
export type CountedTable =
  | 'accounts'
  | 'commands'
  | 'decisions'
  | 'entries'
  | 'heads'
  | 'messages'
  | 'notifications'
  | 'orders'
  | 'outbox'
  | 'positions'

/** Rows of a table. */
export async function countRows(db: Queryable, table: CountedTable): Promise<number> {
  const { rows } = await db.query<{ number: number }>({
    text: `select count(*) as number from ${table}`,
  })
  return rows[0]!.number
}

/** Checks across services, each a statement that lists faults, up to `$1`. */
export type CrossCheck = keyof typeof crossChecks

/** Lists the faults that a check across services finds. */
export async function findFaults(
  db: Queryable,
  check: CrossCheck,
  limit: number,
): Promise<readonly Fault[]> {
  const { rows } = await db.query<Fault>({ text: crossChecks[check], values: [limit] })
  return rows
}

/**
 * The object that is the body of a message, null where it is none. A body may be anything: one with
 * an escape that PostgreSQL cannot read (U+0000, half a character) would end the whole check.
 */
const bodyObject = `
    case when o.body is json object and position('\\u' in o.body) = 0 then o.body::json end as body`

/** Bodies of the messages of a type that a group has not read. */
function unread(group: string, topic: string, type: string): string {
  return `
    select body
      from (select ${bodyObject}
              from outbox o
              left join positions p on p.consumer_group = '${group}'
                   and p.topic = o.topic and p.partition = o.partition
             where o.topic = '${topic}' and o.type = '${type}'
               and o.position >= coalesce(p.position, 0)) as found
     where body is not null`
}

/** Whether a group has a letter of a type that names the order: its bytes may be no text at all. */
function parked(group: string, type: string): string {
  return `
    exists (select from dead_letters l
             where l.consumer_group = '${group}' and l.type = '${type}'
               and position(convert_to(o.id::text, 'UTF8') in l.body) > 0)`
}

/** Each message by which a client's command can travel, and the group that decides it. */
const carriers = commands
  .filter(({ topic }) => topic !== undefined)
  .map(({ topic, operation }) => `('${topic}', '${operation}', '${deciderOf(operation)}')`)
  .join(', ')

/** How requests end; the registry keeps the last of these that it was told. */
const ends = `array['key-expired', 'key-reused', 'answered']`

const crossChecks = {
  'messages-have-commands': `
    select o.topic || '/' || o.partition || '/' || o.position as id,
           case when c.id is null then 'told by no decided command'
                else 'told at ' || o.time end as "is",
           case when c.id is null then 'told by command ' || o.command_id
                else 'told at ' || c.decided_at || ', when its command was decided' end
             as "shouldBe"
      from outbox o left join commands c on c.id = o.command_id
     where o.source <> 'gateway' and o.type <> 'dead-lettered'
       and (c.id is null or c.decided_at <> o.time and o.type <> 'message-answered')
     limit $1`,
  'messages-told-once': `
    select id, 'told ' || count(*) || ' times' as "is", 'told once' as "shouldBe"
      from outbox
     where source <> 'gateway' and type not in ('dead-lettered', 'message-answered')
     group by id having count(*) > 1 limit $1`,
  'commands-once': `
    select scope || ' ' || operation || ' ' || key as id, count(*) || ' commands' as "is",
           '1 command' as "shouldBe"
      from commands where status is not null
     group by scope, operation, key having count(*) > 1 limit $1`,
  'placed-orders-exist': `
    select c.id, 'no order' as "is", 'order ' || (c.body::jsonb->>'id') as "shouldBe"
      from commands c
     where c.operation = 'place-order' and c.status = 201
       and not exists (select from orders o where o.id = (c.body::jsonb->>'id')::uuid)
     limit $1`,
  'deposits-have-entries': `
    select c.id, 'no entry' as "is", 'entry ' || c.id as "shouldBe"
      from commands c left join entries e on e.id = c.id and e.kind = 'deposit'
     where c.operation = 'deposit' and c.status = 201 and e.id is null
     union all
    select e.id, 'entry without a command', 'the entry of a decided command'
      from entries e left join commands c on c.id = e.id
     where c.id is null and e.created_at > (select min(decided_at) + interval '1 minute'
                                              from commands)
     limit $1`,
  'orders-have-decisions': `
    with waiting as (${unread('billing', 'billing', 'charge-wanted')})
    select o.id, 'version ' || o.version || ' is not decided, and not on its way' as "is",
           'a decision about version ' || o.version as "shouldBe"
      from orders o left join decisions d on d.order_id = o.id and d.version = o.version
     where d.order_id is null
       and (o.id::text, o.version::text) not in
           (select coalesce(body->>'orderId', ''), coalesce(body->>'version', '') from waiting)
       and not ${parked('billing', 'charge-wanted')}
     limit $1`,
  'orders-as-decided': `
    with waiting as (${unread('orders', 'order', 'charge-decided')})
    select o.id,
           format('%s, total %s, user %s, version %s', o.status, o.total, o.user_id, o.version)
             as "is",
           coalesce(format('%s, total %s, user %s', d.outcome, d.amount, d.user_id),
                    'not settled: billing decided nothing') as "shouldBe"
      from orders o left join decisions d on d.order_id = o.id and d.version = o.version
     where case o.status
             when 'pending' then d.outcome is not null
                  and (o.id::text, o.version::text) not in
                      (select coalesce(body->>'orderId', ''), coalesce(body->>'version', '')
                         from waiting)
                  and not ${parked('orders', 'charge-decided')}
             when 'cancelled' then d.outcome <> 'released' or d.user_id <> o.user_id
             else (o.status, o.total, o.user_id)
                  is distinct from (d.outcome, d.amount, d.user_id)
           end
     limit $1`,
  'orders-notified': `
    with waiting as (${unread('notifications', 'notification', 'notification-wanted')})
    select o.id, coalesce(n.kind || ' for user ' || n.user_id, 'no notification') as "is",
           case o.status when 'paid' then 'happiness' else 'grief' end
             || ' about version ' || o.version || ' for user ' || o.user_id as "shouldBe"
      from orders o left join notifications n on n.order_id = o.id and n.order_version = o.version
     where o.status in ('paid', 'declined')
       and (n.kind, n.user_id) is distinct from
           (case o.status when 'paid' then 'happiness' else 'grief' end, o.user_id)
       and (n.order_id is not null
            or (o.id::text, o.version::text) not in
               (select coalesce(body->>'orderId', ''), coalesce(body->>'orderVersion', '')
                  from waiting)
               and not ${parked('notifications', 'notification-wanted')})
     limit $1`,
  'notifications-have-decisions': `
    select n.order_id || ' version ' || n.order_version as id, n.kind as "is",
           coalesce(case d.outcome when 'paid' then 'happiness' when 'declined' then 'grief' end,
                    'no notification') as "shouldBe"
      from notifications n
      left join decisions d on d.order_id = n.order_id and d.version = n.order_version
     where n.kind is distinct from
           case d.outcome when 'paid' then 'happiness' when 'declined' then 'grief' end
     limit $1`,
  // By messages alone: whether requests that no topic carried are told of is a setting (REGISTER).
  'requests-registered': `
    with ended as (
      select o.partition_key as guid, o.command_id, ${bodyObject}
        from outbox o join positions p on p.consumer_group = 'messages'
             and p.topic = o.topic and p.partition = o.partition
       where o.topic = 'message' and o.type = 'message-answered' and o.position < p.position
    ), carried as (
      select o.id::text as guid
        from (values ${carriers}) as carrier (topic, type, consumer_group)
        join outbox o using (topic, type)
        join positions p using (consumer_group, topic, partition)
       where o.position < p.position and o.scope not like '@%'
         and not exists (select from outbox told
                          where told.topic = 'message' and told.partition_key = o.id::text)
         and not exists (select from dead_letters l
                          where l.consumer_group = carrier.consumer_group and l.id = o.id)
    ), due as (
      select guid, outcome, coalesce(c.status::text, answer->>'status') as status,
             coalesce(c.body, answer->>'body') as body
        from (select guid, command_id, body->>'outcome' as outcome,
                     case body->>'outcome' when 'answered' then body->'response' end as answer
                from ended) as told
        left join commands c on c.id = told.command_id and answer is not null
       union all
      select guid, null, null, null from carried
    )
    select distinct due.guid as id,
           concat_ws(' ', coalesce(due.outcome, 'answered'), due.status) as "shouldBe",
           case when m.guid is null then 'no entry'
                when m.state <> 'answered' then m.state
                when m.response_status::text <> due.status then 'answered ' || m.response_status
                else 'answered with other bytes' end as "is"
      from due left join messages m on m.guid::text = due.guid
     where (m.guid is null or m.response_status::text <> due.status or m.response_body <> due.body
            or array_position(${ends}, m.state) is null
            or array_position(${ends}, m.state) < array_position(${ends}, due.outcome))
       and not exists (select from dead_letters l
                        where l.consumer_group = 'messages' and l.topic = 'message'
                          and l.partition_key = due.guid)
     limit $1`,
} as const
