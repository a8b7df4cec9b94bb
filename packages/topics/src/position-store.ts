import {
  int4Array,
  int8Array,
  type Pool,
  type Queryable,
  queryable,
  textArray,
} from '@semel/postgres'
import type { Place } from './partition-reader.ts'

/** A partition as one group reads it. */
export type GroupPartition = Readonly<{ group: string; topic: string; partition: number }>

/** How far a group has read a partition, and how far behind its end that is. */
export type Position = GroupPartition &
  Place &
  Readonly<{
    /** The position that the next message of the partition gets. */
    head: number
    /** Messages that the group has not read. */
    lag: number
  }>

/**
 * Tries to get the locks of partitions, for as long as the session lives. Tells which it got. Not
 * to be asked for one that the session holds: it would hold it twice.
 */
export async function tryLocks<P extends GroupPartition>(
  session: Queryable,
  wanted: readonly P[],
): Promise<P[]> {
  const { rows } = await session.query<{ isLocked: boolean }>({
    name: 'try-locks',
    text: `select pg_try_advisory_lock(hashtextextended(name, 5370231602)) as "isLocked"
             from unnest($1::text[]) with ordinality as n (name, place) order by place`,
    values: [textArray(wanted.map(lockName))],
  })
  return wanted.filter((_, index) => rows[index]?.isLocked)
}

/** Gives locks back. */
export async function unlock(session: Queryable, held: readonly GroupPartition[]): Promise<void> {
  await session.query({
    name: 'unlock',
    text: `select pg_advisory_unlock(hashtextextended(name, 5370231602))
             from unnest($1::text[]) as n (name)`,
    values: [textArray(held.map(lockName))],
  })
}

/** Registers groups as readers: from now on nothing is dropped before they have read it. */
export async function register(db: Queryable, asked: readonly GroupPartition[]): Promise<void> {
  await db.query({
    name: 'register-positions',
    text: `insert into positions (consumer_group, topic, partition, position, generation)
           select consumer_group, topic, partition, 0, 1
             from unnest($1::text[], $2::text[], $3::integer[])
                  as asked (consumer_group, topic, partition)
            order by consumer_group, topic, partition
               on conflict do nothing`,
    values: columnsOf(asked),
  })
}

/** Reads the places of registered groups, in the order asked. */
export async function readPlaces(
  db: Queryable,
  asked: readonly GroupPartition[],
): Promise<readonly Place[]> {
  const { rows } = await db.query<Place>({
    name: 'read-places',
    text: `select p.position, p.generation
             from unnest($1::text[], $2::text[], $3::integer[]) with ordinality
                  as asked (consumer_group, topic, partition, place)
             join positions p using (consumer_group, topic, partition)
            order by asked.place`,
    values: columnsOf(asked),
  })
  return rows
}

/**
 * Moves positions forward, where the generation is still the one told. Gives back those of another
 * generation: somebody has reset them.
 */
export async function advance(
  db: Queryable,
  moves: readonly (GroupPartition & Place)[],
): Promise<readonly (GroupPartition & Place)[]> {
  const { rows } = await db.query<GroupPartition & Place>({
    name: 'advance-positions',
    text: `with told as (
             select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[])
                    as told (consumer_group, topic, partition, position, generation)
           ), moved as (
             update positions p set position = told.position
               from told
              where p.consumer_group = told.consumer_group and p.topic = told.topic
                and p.partition = told.partition and p.generation = told.generation
                and p.position < told.position
           )
           select p.consumer_group as "group", p.topic, p.partition, p.position, p.generation
             from told join positions p using (consumer_group, topic, partition)
            where p.generation <> told.generation`,
    values: [
      ...columnsOf(moves),
      int8Array(moves.map(({ position }) => position)),
      int8Array(moves.map(({ generation }) => generation)),
    ],
  })
  return rows
}

/**
 * Sets a session up to own partitions. Its commits do not wait for the disk: what is lost so is
 * only read again. When its machine vanishes, the server notices within some ten seconds, not the
 * usual two hours, and lets its locks go.
 */
export async function prepareOwner(session: Queryable): Promise<void> {
  await session.query({
    text: `select set_config('synchronous_commit', 'off', false),
                  set_config('tcp_keepalives_idle', '5', false),
                  set_config('tcp_keepalives_interval', '2', false),
                  set_config('tcp_keepalives_count', '3', false)`,
  })
}

/**
 * Lets a group read a partition again from another position, forward or back; readers notice within
 * a poll, and what they are working on meanwhile does not count. Whether what it reads again is
 * still remembered is for the caller to look at: see {@link findForgotten}.
 *
 * @returns the place now; undefined for a group that never read that partition.
 * @throws {RangeError} for a position that is no natural number, or beyond the partition's end.
 * @throws {DatabaseUnavailable}
 */
export async function resetPosition(
  pool: Pool,
  { group, topic, partition, to }: GroupPartition & Readonly<{ to: number }>,
): Promise<Place | undefined> {
  if (!Number.isSafeInteger(to) || to < 0) throw new RangeError(`${to} is no position`)
  const { rows } = await queryable(pool).query<Place & { head: number; isMoved: boolean }>({
    text: `with known as (
             select coalesce(h.next, 0) as head
               from positions left join heads h using (topic, partition)
              where consumer_group = $1 and topic = $2 and partition = $3
           ), moved as (
             update positions p set generation = p.generation + 1, position = $4
               from known
              where p.consumer_group = $1 and p.topic = $2 and p.partition = $3
                and $4 <= known.head
          returning p.position, p.generation
           )
           select known.head, position, generation, position is not null as "isMoved"
             from known left join moved on true`,
    values: [group, topic, partition, to],
  })
  const [row] = rows
  if (row === undefined) return undefined
  const { head, isMoved, position, generation } = row
  if (isMoved) return { position, generation }
  throw new RangeError(`${topic}/${partition} ends at ${head}: there is no position ${to}`)
}

/**
 * The message that a group would read first from a position on, if it was told before a time and
 * before anything was decided that the command log remembers: refusals that it brings again would
 * be decided anew. `before`: a log that is young remembers all there was, give the age from which
 * on it forgets.
 *
 * @throws {DatabaseUnavailable}
 */
export async function findForgotten(
  pool: Pool,
  at: Readonly<{ topic: string; partition: number; from: number; before: Date }>,
): Promise<Readonly<{ position: number; time: Date }> | undefined> {
  const { rows } = await queryable(pool).query<{ position: number; time: Date }>({
    text: `select position, time
             from (select position, time from outbox
                    where topic = $1 and partition = $2 and position >= $3
                    order by topic, partition, position
                    limit 1) as first
            where time < least($4, (select min(decided_at) from commands where status is null),
                               (select decided_at from commands where status is not null
                                 order by replayable_until limit 1))`,
    values: [at.topic, at.partition, at.from, at.before],
  })
  return rows[0]
}

/**
 * Lists how far every group has come, by group, topic and partition; also the partitions that a
 * group has yet to discover, with generation 0.
 *
 * @throws {DatabaseUnavailable}
 */
export async function listPositions(pool: Pool): Promise<readonly Position[]> {
  const { rows } = await queryable(pool).query<Position>({
    text: `select consumer_group as "group", topic, partition, coalesce(p.position, 0) as position,
                  coalesce(p.generation, 0) as generation, coalesce(h.next, 0) as head,
                  greatest(0, coalesce(h.next, 0) - coalesce(p.position, 0)) as lag
             from (select consumer_group, topic, partition from positions
                    union
                   select r.consumer_group, topic, h.partition
                     from (select distinct consumer_group, topic from positions) as r
                     join heads h using (topic)) as known
             left join positions p using (consumer_group, topic, partition)
             left join heads h using (topic, partition)
            order by consumer_group, topic, partition`,
  })
  return rows
}

function columnsOf(asked: readonly GroupPartition[]): Buffer[] {
  return [
    textArray(asked.map(({ group }) => group)),
    textArray(asked.map(({ topic }) => topic)),
    int4Array(asked.map(({ partition }) => partition)),
  ]
}

/** JSON: no two partitions have one name, whatever characters are in it. */
function lockName({ group, topic, partition }: GroupPartition): string {
  return JSON.stringify([group, topic, partition])
}
