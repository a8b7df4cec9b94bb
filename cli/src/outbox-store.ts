import { type Queryable, textArray, uuidArray } from '@semel/postgres'
import { type Delivered, deliveredOf, type OutboxRow } from '@semel/topics'

/** A place in the outbox. */
export type Place = Readonly<{ topic: string; partition: number; position: number }>

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
