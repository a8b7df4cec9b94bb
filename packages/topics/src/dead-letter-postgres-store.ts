import type { Message } from '@semel/commands'
import {
  byteaArray,
  int4Array,
  int8Array,
  type Pool,
  queryable,
  type Tx,
  textArray,
  transaction,
  uuidArray,
} from '@semel/postgres'
import { type LetterRow, letterColumns, letterOf } from './dead-letter-row.ts'
import {
  type DeadLetters,
  deadLettered,
  type LetterFilter,
  type LetterKey,
  type Parking,
} from './dead-letters.ts'
import type { Delivered } from './transport.ts'

/** What dead letters in PostgreSQL are made with. */
export type PostgresDeadLettersOptions = Readonly<{
  /** Of the group's database; `topicMigrations` must have been run. */
  pool: Pool
  /** Writes the copies for `<topic>_dead` into the outbox: `outboxAppend()`. */
  append: (tx: Tx, messages: readonly Message[]) => Promise<void>
  /** Told of the copies after their commit, to wake who reads them. Default: nobody is. */
  told?: (messages: readonly Message[]) => void
}>

/**
 * Dead letters in PostgreSQL: a row each, in the database of their group.
 *
 * Every method throws `DatabaseUnavailable` where the database is away.
 */
export function postgresDeadLetters(options: PostgresDeadLettersOptions): DeadLetters<Tx> {
  const { pool, append, told = () => {} } = options
  const reader = queryable(pool)
  return {
    standing: readStanding,
    async park(group, letters, parkedAt) {
      const { copies, isWhole } = await transaction(pool, (tx) =>
        parkIn(tx, append, { group, letters, parkedAt }),
      )
      if (copies.length > 0) told(copies)
      return isWhole
    },
    async keysToRedrive(group, keysMax) {
      const { rows } = await reader.query<LetterKey>({
        ...{ name: 'letter-keys-to-redrive', text: selectKeysToRedrive, values: [group, keysMax] },
      })
      return rows
    },
    async lettersOf(group, { topic, partitionKey }, lettersMax) {
      const values = [group, topic, partitionKey, lettersMax]
      const { rows } = await reader.query<LetterRow>({ text: selectLettersOfKey, values })
      return rows.map(letterOf)
    },
    async take(tx, group, ids) {
      const { rows } = await tx.query<{ id: string }>({
        ...{ name: 'take-letters', text: takeLetters, values: [group, uuidArray(ids)] },
      })
      return new Set(rows.map(({ id }) => id))
    },
    settle: (group, { done, failed }) =>
      transaction(pool, async (tx) => {
        await Promise.all([
          tx.query({ text: deleteDone, values: [group, uuidArray(done)] }),
          failed && renew(tx, group, failed),
        ])
      }),
    async list(filter, { order = 'newest', lettersMax = 100, discarded = false } = {}) {
      const text = order === 'newest' ? selectNewest : selectByPlace
      const values = [...filterValues(filter), discarded, lettersMax]
      const { rows } = await reader.query<LetterRow>({ text, values })
      return rows.map(letterOf)
    },
    async show(id) {
      const { rows } = await reader.query<LetterRow>({ text: selectById, values: [id] })
      return rows.map(letterOf)
    },
    async discard({ group, id, by, why, at }) {
      const values = [group, id, at, by, why]
      return transaction(pool, async (tx) => {
        const { rowCount } = await tx.query({ text: discardLetter, values })
        return rowCount === 1
      })
    },
    async redrive(filter, at) {
      const values = [...filterValues(filter), at]
      return transaction(pool, async (tx) => (await tx.query({ text: mark, values })).rowCount)
    },
  }
}

async function readStanding(
  tx: Tx,
  group: string,
  { topic, partition, partitionKeys, ids }: Parameters<DeadLetters['standing']>[2],
) {
  const { rows } = await tx.query<{
    id: string | null
    partition_key: string
    front: number
    redrive: boolean
  }>({
    name: 'letters-in-the-way',
    text: selectStanding,
    values: [group, topic, partition, textArray(partitionKeys), uuidArray(ids)],
  })
  const inTheWay = rows.filter(({ id }) => id === null)
  return {
    fronts: new Map(inTheWay.map(({ partition_key, front }) => [partition_key, front])),
    known: new Set(rows.flatMap(({ id }) => id ?? [])),
    redriveWanted: inTheWay.some(({ redrive }) => redrive),
  }
}

async function parkIn(
  tx: Tx,
  append: PostgresDeadLettersOptions['append'],
  { group, letters, parkedAt }: { group: string; letters: readonly Parking[]; parkedAt: Date },
): Promise<{ copies: readonly Message[]; isWhole: boolean }> {
  const behind = letters.filter(({ behindStored }) => behindStored)
  const keysBehind = new Set(behind.map(({ message }) => message.partitionKey))
  const column = <T>(of: (letter: Parking) => T) => letters.map(of)
  const attribute = (name: Exclude<keyof Delivered, 'partition' | 'position'>) =>
    textArray(column(({ message }) => message[name] ?? null))
  const topic = letters[0]?.message.topic
  const { rows } = await tx.query<{ ids: string[]; keys: string[] }>({
    name: 'park-letters',
    text: insertLetters,
    values: [
      ...[group, topic, parkedAt, textArray([...keysBehind])],
      uuidArray(column(({ id }) => id)),
      int4Array(column(({ message }) => message.partition)),
      int8Array(column(({ message }) => message.position)),
      textArray(column(({ message }) => message.partitionKey)),
      textArray(column(({ reason }) => reason)),
      textArray(column(({ detail }) => detail)),
      textArray(column(({ behindStored }) => (behindStored ? 'behind' : ''))),
      ...[attribute('id'), attribute('type'), attribute('source'), attribute('time')],
      ...[attribute('scope'), attribute('commandId'), attribute('traceparent')],
      byteaArray(column(({ message }) => Buffer.from(message.body))),
    ],
  })
  const { ids, keys } = rows[0]!
  const parked = new Set(ids)
  const copies = letters
    .filter(({ id }) => parked.has(id))
    .flatMap((letter) => deadLettered(group, letter, parkedAt) ?? [])
  if (copies.length > 0) await append(tx, copies)
  return { copies, isWhole: keys.length === keysBehind.size }
}

function renew(
  tx: Tx,
  group: string,
  { id, reason, detail }: Pick<Parking, 'id' | 'reason' | 'detail'>,
): Promise<unknown> {
  return tx.query({ text: renewReason, values: [group, id, reason, detail] })
}

function filterValues({ group, topic, partitionKey, id }: LetterFilter): unknown[] {
  return [group ?? '', topic ?? '', id ?? null, partitionKey ?? null]
}

const selectStanding = `
  select null::uuid as id, partition_key,
         case when bool_or(partition <> $3) then -1 else min(position) end as front,
         bool_or(redrive_at is not null) as redrive
    from dead_letters
   where consumer_group = $1 and topic = $2 and partition_key = any($4::text[])
     and discarded_at is null
   group by partition_key
   union all
  select id, partition_key, position, false
    from dead_letters where consumer_group = $1 and id = any($5::uuid[])`

// The first letter of a key is locked: a redrive that empties the key meanwhile has either not
// deleted it yet, and will find what is parked here, or has, and then nothing is parked behind it.
const insertLetters = `
  with letter as (
    select * from unnest($5::uuid[], $6::integer[], $7::bigint[], $8::text[], $9::text[],
                         $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                         $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[])
           with ordinality
           as l (id, partition, position, partition_key, reason, detail, place_held, message_id,
                 type, source, time, scope, command_id, traceparent, body, place)
  ), ahead as materialized (
    select first.partition_key, first.redrive_at
      from (select key from unnest($4::text[]) as k (key) order by key) as wanted
     cross join lateral (
       select partition_key, redrive_at
         from dead_letters
        where consumer_group = $1 and topic = $2 and partition_key = wanted.key
          and discarded_at is null
        order by partition, position
        limit 1
          for update) as first
  ), parked as (
    insert into dead_letters (consumer_group, topic, parked_at, redrive_at, id, partition, position,
                              partition_key, reason, detail, message_id, type, source, time, scope,
                              command_id, traceparent, body)
    select $1, $2, $3::timestamptz, redrive_at, id, partition, position, partition_key, reason,
           detail, message_id, type, source, time, scope, command_id, traceparent, body
      from letter left join ahead using (partition_key)
     where place_held = '' or ahead.partition_key is not null
     order by place
        on conflict (consumer_group, id) do nothing
    returning id
  )
  select array(select id::text from parked) as ids,
         array(select partition_key from ahead) as keys`

const selectKeysToRedrive = `
  select topic, partition_key as "partitionKey"
    from dead_letters
   where consumer_group = $1 and redrive_at is not null
   group by topic, partition_key
   order by min(redrive_at), topic, partition_key
   limit $2`

const selectLettersOfKey = `
  select ${letterColumns}, body
    from dead_letters
   where consumer_group = $1 and topic = $2 and partition_key = $3 and discarded_at is null
   order by partition, position
   limit $4`

// Two that redrive the same letters meet in the order of their ids.
const takeLetters = `
  with wanted as (
    select consumer_group, id
      from dead_letters
     where consumer_group = $1 and id = any($2::uuid[]) and discarded_at is null
       and redrive_at is not null
     order by id
       for update)
  update dead_letters as letter
     set taken = true
    from wanted
   where letter.consumer_group = wanted.consumer_group and letter.id = wanted.id
  returning letter.id`

const deleteDone = `
  delete from dead_letters
   where consumer_group = $1 and id = any($2::uuid[]) and discarded_at is null`

const renewReason = `
  update dead_letters as letter
     set redrive_at = null, taken = false,
         reason = case letter.id when $2 then $3 else letter.reason end,
         detail = case letter.id when $2 then $4 else letter.detail end
    from dead_letters as failed
   where failed.consumer_group = $1 and failed.id = $2::uuid and failed.discarded_at is null
     and letter.consumer_group = $1 and letter.topic = failed.topic
     and letter.partition_key = failed.partition_key and letter.discarded_at is null`

const isMeant = `
  ($1 = '' or consumer_group = $1) and ($2 = '' or topic = $2)
     and ($3::uuid is null or id = $3::uuid) and ($4::text is null or partition_key = $4)`

const selectListed = `
  select ${letterColumns}
    from dead_letters
   where ${isMeant} and ($5::boolean or discarded_at is null)`

const selectNewest = `${selectListed} order by parked_at desc, id desc limit $6`

const selectByPlace = `
  ${selectListed} order by consumer_group, topic, partition, position, id limit $6`

const selectById = `
  select ${letterColumns}, body from dead_letters where id = $1 order by consumer_group`

const discardLetter = `
  update dead_letters
     set discarded_at = $3, discarded_by = $4, discarded_for = $5, redrive_at = null
   where consumer_group = $1 and id = $2::uuid and discarded_at is null and not taken`

const mark = `
  update dead_letters as letter
     set redrive_at = $5, taken = letter.taken and letter.redrive_at is not null
    from (select distinct consumer_group, topic, partition_key
            from dead_letters where ${isMeant} and discarded_at is null) as meant
   where letter.consumer_group = meant.consumer_group and letter.topic = meant.topic
     and letter.partition_key = meant.partition_key and letter.discarded_at is null`
