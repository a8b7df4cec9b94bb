import type { Repository } from '@semel/commands'
import type { RegisteredAnswer } from '@semel/commands/registry-protocol'
import {
  exactly,
  int4Array,
  jsonbArray,
  type MigrationSet,
  type Pool,
  type Queryable,
  queryable,
  type Tx,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@semel/postgres'
import type {
  EntryCommand,
  EntryState,
  RegisteredEntry,
  RegisteredState,
  Response,
} from './entry.ts'

/** The tables of the service. */
export const messageMigrations: MigrationSet = {
  set: 'messages',
  folder: new URL('../migrations/', import.meta.url),
}

/** An entry with its place in lists. */
export type ListedEntry = RegisteredEntry & Readonly<{ number: number }>

/** Entries in PostgreSQL. */
export const entryRepository: Repository<EntryState, EntryCommand, Tx> = {
  async load(tx, ids) {
    const { rows } = await tx.query<MessageRow>({
      name: 'lock-messages',
      text: lockMessages,
      values: [uuidArray(ids)],
    })
    const found = new Map(rows.map((row) => [row.guid, entryOf(row)]))
    return new Map(
      ids.map((guid): [string, EntryState] => [guid, found.get(guid) ?? { state: 'absent', guid }]),
    )
  },
  async save(tx, changed) {
    const entries = changed.filter((entry) => entry.state !== 'absent')
    const isNew = ({ storedState }: RegisteredEntry) => storedState === 'absent'
    insertMessages(tx, entries.filter(isNew))
    updateMessages(
      tx,
      entries.filter((entry) => !isNew(entry)),
    )
  },
}

/** What is known of a caller's request; undefined where it is another's, or not heard of. */
export async function findMessage(
  db: Queryable,
  asked: { guid: string; scope: string },
): Promise<ListedEntry | undefined> {
  const { rows } = await db.query<MessageRow>({
    name: 'find-message',
    // With the scope as a condition, an index that begins with it may be taken for the better one.
    text: `select ${columns} from messages where guid = $1`,
    values: [asked.guid],
  })
  return rows[0]?.scope === asked.scope ? entryOf(rows[0]) : undefined
}

/** The answers to requests that were told with a seal, but for those with longer bodies. */
export async function findAnswers(
  db: Queryable,
  { guids, bytesMax }: { guids: readonly string[]; bytesMax: number },
): Promise<RegisteredAnswer[]> {
  const { rows } = await db.query<RegisteredAnswer>({
    name: 'find-answers',
    text: `select guid, response_status as status, response_headers as headers,
                  response_body as body, seal
             from messages
            where guid = any($1::uuid[]) and seal is not null
              and octet_length(response_body) <= $2`,
    values: [uuidArray(guids), bytesMax],
  })
  return [...rows]
}

/** A caller's requests under any of some keys, newest first, below a number. */
export async function listMessages(
  db: Queryable,
  asked: {
    scope: string
    operation: string
    keys: readonly string[]
    below: number
    limit: number
  },
): Promise<ListedEntry[]> {
  const { scope, operation, keys, below, limit } = asked
  const { rows } = await db.query<MessageRow>({
    name: 'list-messages',
    text: listUnderKeys,
    values: [scope, operation, textArray(keys), below, limit],
  })
  return rows.map(entryOf)
}

/** Deletes requests of which it was heard before a time how they ended; the oldest first. */
export async function deleteEnded(
  pool: Pool,
  { endedBefore, batchSizeMax }: { endedBefore: Date; batchSizeMax: number },
): Promise<number> {
  const { rowCount } = await queryable(pool).query({
    name: 'delete-ended',
    text: `with due as (
             select guid from messages
              where ended_at < $1
              order by ended_at
              limit $2
                for update skip locked)
           delete from messages using due where messages.guid = due.guid`,
    values: [endedBefore, batchSizeMax],
  })
  return rowCount
}

type MessageRow = {
  guid: string
  number: number
  scope: string
  operation: string
  key: string | null
  request: string | null
  state: RegisteredState
  response_status: number | null
  response_headers: Response['headers'] | null
  response_body: string | null
  seal: string | null
  registered_at: Date
}

// By name: a column more, in a later release, must not change what a prepared statement returns.
const columns = `guid, number, scope, operation, key, request, state, response_status,
  response_headers, response_body, seal, registered_at`

function insertMessages(tx: Tx, entries: readonly RegisteredEntry[]): void {
  if (entries.length === 0) return
  tx.send({
    name: 'insert-messages',
    text: `insert into messages (guid, key, request, state, response_status, response_headers,
                                 response_body, seal, scope, operation, registered_at, ended_at)
           select heard.*, case when heard.state not in ('pending', 'parked') then now() end
             from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::jsonb[],
                         $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[])
                  as heard (guid, key, request, state, response_status, response_headers,
                            response_body, seal, scope, operation, registered_at)`,
    values: [
      ...changingColumns(entries),
      textArray(entries.map(({ scope }) => scope)),
      textArray(entries.map(({ operation }) => operation)),
      timestamptzArray(entries.map(({ registeredAt }) => registeredAt)),
    ],
  })
}

function updateMessages(tx: Tx, entries: readonly RegisteredEntry[]): void {
  if (entries.length === 0) return
  const update = {
    name: 'update-messages',
    text: `update messages
              set key = changed.key, request = changed.request, state = changed.state,
                  response_status = changed.response_status,
                  response_headers = changed.response_headers,
                  response_body = changed.response_body, seal = changed.seal,
                  ended_at = case when changed.state not in ('pending', 'parked') then now() end
             from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[],
                         $6::jsonb[], $7::text[], $8::text[])
                  as changed (guid, key, request, state, response_status, response_headers,
                              response_body, seal)
            where messages.guid = changed.guid and messages.state <> 'answered'`,
    values: changingColumns(entries),
  }
  tx.send(exactly(entries.length, update))
}

function changingColumns(entries: readonly RegisteredEntry[]): Buffer[] {
  const column = <T>(of: (entry: RegisteredEntry) => T) => entries.map(of)
  const written = (value: object | null | undefined) => (value ? JSON.stringify(value) : null)
  return [
    uuidArray(column(({ guid }) => guid)),
    textArray(column(({ key }) => key)),
    textArray(column(({ request }) => written(request))),
    textArray(column(({ state }) => state)),
    int4Array(column(({ response }) => response?.status ?? null)),
    jsonbArray(column(({ response }) => written(response?.headers))),
    textArray(column(({ response }) => response?.body ?? null)),
    textArray(column(({ seal }) => seal)),
  ]
}

function entryOf(row: MessageRow): ListedEntry {
  const { guid, number, scope, operation, key, state, seal } = row
  return {
    ...{ guid, number, scope, operation, key, state, seal },
    request: row.request === null ? null : JSON.parse(row.request),
    response:
      row.response_status === null
        ? null
        : { status: row.response_status, headers: row.response_headers!, body: row.response_body },
    registeredAt: row.registered_at,
    storedState: state,
  }
}

const lockMessages = `
  select ${columns} from messages where guid = any($1::uuid[]) order by guid for update`

const listUnderKeys = `
  select ${columns} from messages
   where scope = $1 and operation = $2 and key = any($3::text[]) and number < $4
   order by number desc limit $5`
