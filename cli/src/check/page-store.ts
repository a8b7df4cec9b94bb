import { type Queryable, textArray, timestamptzArray, uuidArray } from '@semel/postgres'
import { type Delivered, deliveredOf, type OutboxRow } from '@semel/topics'

/** A place in the outbox. */
export type Place = Readonly<{ topic: string; partition: number; position: number }>

/** A command's request, by which the registry knows it. */
export type RequestRow = Readonly<{
  guid: string
  commandId: string
  decidedAt: Date
  status: number
  body: string
}>

/** A decided command of a client, as far as its request is made of it. */
export type ClientCommandRow = Readonly<{
  id: string
  fingerprint: Buffer
  fingerprintVersion: number
  status: number
  body: string
  decidedAt: Date
}>

/** How far groups have read. */
export async function readPositions(
  db: Queryable,
): Promise<readonly (Place & Readonly<{ group: string }>)[]> {
  const { rows } = await db.query<Place & { group: string }>({
    text: 'select consumer_group as "group", topic, partition, position from positions',
  })
  return rows
}

/** The next messages of the outbox behind a place, in the order of places. */
export async function readMessages(
  db: Queryable,
  behind: Place,
  limit: number,
): Promise<readonly Delivered[]> {
  const { rows } = await db.query<OutboxRow>({
    text: `select topic, partition, position, partition_key as "partitionKey", id, type, source,
                  time, scope, command_id as "commandId", traceparent, body
             from outbox where (topic, partition, position) > ($1, $2::integer, $3::bigint)
            order by topic, partition, position limit $4`,
    values: [behind.topic, behind.partition, behind.position, limit],
  })
  return rows.map((row) => deliveredOf(row))
}

/** Of what groups should have decided or parked, the indexes of those that they did not. */
export async function findNeither(
  db: Queryable,
  expected: readonly Readonly<{ group: string; commandId: string | null; letterId: string }>[],
): Promise<readonly number[]> {
  const { rows } = await db.query<{ at: number }>({
    text: `select place - 1 as at
             from unnest($1::text[], $2::uuid[], $3::uuid[]) with ordinality
                  as expected (consumer_group, command_id, letter_id, place)
            where not exists (select from commands c where c.id = command_id)
              and not exists (select from dead_letters l
                               where l.consumer_group = expected.consumer_group
                                 and l.id = letter_id)
            order by place`,
    values: [
      textArray(expected.map(({ group }) => group)),
      uuidArray(expected.map(({ commandId }) => commandId)),
      uuidArray(expected.map(({ letterId }) => letterId)),
    ],
  })
  return rows.map(({ at }) => at)
}

/** The next decided commands of clients behind an id, whose answers are kept, in id order. */
export async function readClientCommands(
  db: Queryable,
  behind: string,
  limit: number,
): Promise<readonly ClientCommandRow[]> {
  const { rows } = await db.query<ClientCommandRow>({
    text: `select id, fingerprint, fingerprint_version as "fingerprintVersion", status, body,
                  decided_at as "decidedAt"
             from commands where id > $1 and status is not null and scope not like '@%'
            order by id limit $2`,
    values: [behind, limit],
  })
  return rows
}

/**
 * Of requests that were decided, those whose entry is missing, or says something else; a request is
 * fine whose end the registry has yet to read, or has parked.
 */
export async function findUnregistered(
  db: Queryable,
  requests: readonly RequestRow[],
): Promise<readonly Readonly<{ guid: string; is: string; shouldBe: string }>[]> {
  const { rows } = await db.query<{ guid: string; is: string; shouldBe: string }>({
    text: selectUnregistered,
    values: [
      uuidArray(requests.map(({ guid }) => guid)),
      uuidArray(requests.map(({ commandId }) => commandId)),
      timestamptzArray(requests.map(({ decidedAt }) => decidedAt)),
      textArray(requests.map(({ status }) => String(status))),
      textArray(requests.map(({ body }) => body)),
    ],
  })
  return rows
}

const selectUnregistered = `
  select decided.guid, 'answered ' || decided.status as "shouldBe",
         case when m.guid is null then 'no entry'
              when m.state <> 'answered' then m.state
              when m.response_status::text <> decided.status then 'answered ' || m.response_status
              else 'answered with other bytes' end as "is"
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[])
         as decided (guid, command_id, decided_at, status, body)
    left join messages m on m.guid = decided.guid
   where (m.guid is null or m.state <> 'answered' or m.response_status::text <> decided.status
          or m.response_body <> decided.body)
     and (m.state = 'answered'
          or not exists (select from outbox o
                           left join positions p on p.consumer_group = 'messages'
                                and p.topic = o.topic and p.partition = o.partition
                          where o.topic = 'message' and o.time = decided.decided_at
                            and o.command_id = decided.command_id
                            and o.position >= coalesce(p.position, 0))
             and not exists (select from dead_letters l
                              where l.consumer_group = 'messages' and l.topic = 'message'
                                and l.partition_key = decided.guid::text))`
