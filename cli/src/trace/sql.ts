import { httpProblems } from '@semel/http'
import { type Queryable, textArray, timestamptzArray, uuidArray } from '@semel/postgres'
import { type Delivered, deliveredOf } from '@semel/topics'
import type { ServiceName } from '../tables-store.ts'

/** A message with the moment at which it was told. */
export type ToldMessage = Delivered &
  Readonly<{ id: string; type: string; source: string; commandId: string; toldAt: Date }>

type ToldRow = Omit<ToldMessage, 'time' | 'traceparent'> & { traceparent: string | null }

/** What the registry knows of a request. */
export type RegisteredRequest = Readonly<{
  guid: string
  scope: string
  operation: string
  key: string | null
  state: string
  status: number | null
  registeredAt: Date
}>

/** A dead letter, as far as it says what became of a message. */
export type LetterRow = Readonly<{
  group: string
  id: string
  reason: string
  parkedAt: Date
  isDiscarded: boolean
}>

/** What is known of an order: when it was placed and changed last, and whose it is. */
export type OrderFacts = Readonly<{ userId: string; createdAt: Date; updatedAt: Date }>

const columns = `o.topic, o.partition, o.position, o.partition_key as "partitionKey", o.id, o.type,
  o.source, o.time as "toldAt", o.scope, o.command_id as "commandId", o.traceparent, o.body`

/** Messages that commands told: a message's time is the moment at which its command was decided. */
export async function findTold(
  db: Queryable,
  commands: readonly Readonly<{ id: string; decidedAt: Date }>[],
  messagesMax: number,
): Promise<readonly ToldMessage[]> {
  return messagesOf(db, {
    text: `select ${columns} from unnest($1::uuid[], $2::timestamptz[]) as told (id, time)
             join outbox o on o.time = told.time and o.command_id = told.id
            where o.source <> 'gateway'
            order by o.time, o.topic, o.partition, o.position limit $3`,
    values: [
      uuidArray(commands.map(({ id }) => id)),
      timestamptzArray(commands.map(({ decidedAt }) => decidedAt)),
      messagesMax,
    ],
  })
}

/** Messages by their ids, told within spans of time. */
export async function findMessages(
  db: Queryable,
  wanted: readonly Readonly<{ id: string; from: Date; until: Date }>[],
): Promise<readonly ToldMessage[]> {
  return messagesOf(db, {
    text: `select distinct on (o.topic, o.partition, o.position) ${columns}
             from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
                  as wanted (id, since, until)
             join outbox o on o.time between wanted.since and wanted.until and o.id = wanted.id
            order by o.topic, o.partition, o.position`,
    values: [
      uuidArray(wanted.map(({ id }) => id)),
      timestamptzArray(wanted.map(({ from }) => from)),
      timestamptzArray(wanted.map(({ until }) => until)),
    ],
  })
}

/** What orders wanted charged for an order within a span of time. */
export async function findCharges(
  db: Queryable,
  { orderId, from, until }: Readonly<{ orderId: string; from: Date; until: Date }>,
): Promise<readonly ToldMessage[]> {
  return messagesOf(db, {
    text: `select ${columns} from outbox o
            where o.time between $2 and $3 and o.topic = 'billing' and o.type = 'charge-wanted'
              and position($1 in o.body) > 0`,
    values: [orderId, from, until],
  })
}

/** What is known of an order; undefined where there is none, or no table of orders. */
export async function findOrderFacts(
  db: Queryable,
  orderId: string,
  here: ReadonlySet<ServiceName>,
): Promise<OrderFacts | undefined> {
  if (!here.has('orders')) return undefined
  const { rows } = await db.query<OrderFacts>({
    text: `select user_id as "userId", created_at as "createdAt", updated_at as "updatedAt"
             from orders where id = $1`,
    values: [orderId],
  })
  return rows[0]
}

/** What services leave about an order bears the id of the command that left it. */
const traces = {
  billing: `select e.id from decisions d
              join entries e on e.order_id = d.order_id and e.order_version = d.version
             where d.order_id = $1`,
  notifications: 'select id from notifications where order_id = $1',
} as const

/** Commands that left something about an order, of services whose tables are here. */
export async function findTraces(
  db: Queryable,
  orderId: string,
  here: ReadonlySet<ServiceName>,
): Promise<readonly string[]> {
  const known = Object.entries(traces).filter(([service]) => here.has(service as ServiceName))
  if (known.length === 0) return []
  const text = known.map(([, selected]) => selected).join(' union all ')
  const { rows } = await db.query<{ id: string }>({ text, values: [orderId] })
  return rows.map(({ id }) => id)
}

/** What the registry says of requests that were refused for their key: what the edge says. */
const refusedWith = new Map([
  ['key-expired', httpProblems.keyExpired.statuses[0]],
  ['key-reused', httpProblems.keyReused.statuses[0]],
])

/** What the registry knows of requests, as it shows it: nothing where its table is not here. */
export async function findRegistered(
  db: Queryable,
  guids: readonly string[],
  here: ReadonlySet<ServiceName>,
): Promise<readonly RegisteredRequest[]> {
  if (!here.has('messages')) return []
  const { rows } = await db.query<RegisteredRequest>({
    text: `select guid, scope, operation, key, state, response_status as status,
                  registered_at as "registeredAt"
             from messages where guid = any ($1::uuid[])`,
    values: [uuidArray(guids)],
  })
  return rows.map((row) => {
    const status = refusedWith.get(row.state)
    return status === undefined ? row : { ...row, state: 'answered', status }
  })
}

/** The dead letters that groups have of messages. */
export async function findLetters(
  db: Queryable,
  asked: readonly Readonly<{ group: string; id: string }>[],
): Promise<readonly LetterRow[]> {
  const { rows } = await db.query<LetterRow>({
    text: `select l.consumer_group as "group", l.id, l.reason, l.parked_at as "parkedAt",
                  l.discarded_at is not null as "isDiscarded"
             from unnest($1::text[], $2::uuid[]) as asked (consumer_group, id)
             join dead_letters l using (consumer_group, id)`,
    values: [textArray(asked.map(({ group }) => group)), uuidArray(asked.map(({ id }) => id))],
  })
  return rows
}

async function messagesOf(
  db: Queryable,
  statement: Readonly<{ text: string; values: readonly unknown[] }>,
): Promise<readonly ToldMessage[]> {
  const { rows } = await db.query<ToldRow>(statement)
  return rows.map((row) => deliveredOf({ ...row, time: row.toldAt }))
}
