import type { Rendered } from '@semel/contract'
import {
  byteaArray,
  DatabaseUnavailable,
  int2Array,
  jsonbArray,
  type MigrationSet,
  type Pool,
  type RetryLimits,
  type Tx,
  textArray,
  timestamptzArray,
  transaction,
  uuidArray,
} from '@semel/postgres'
import type { CommandId } from './command.ts'
import { type CommandRecord, type Store, Unavailable } from './store.ts'

/** The tables of the command log. */
export const commandMigrations: MigrationSet = {
  set: 'commands',
  folder: new URL('../migrations/', import.meta.url),
}

/** The command log in PostgreSQL. Its migrations ({@link commandMigrations}) must have been run. */
export function postgresStore(pool: Pool, limits: RetryLimits = {}): Store<Tx> {
  return {
    async transaction(work) {
      try {
        return await transaction(pool, work, limits)
      } catch (error) {
        if (error instanceof DatabaseUnavailable) throw new Unavailable(error.effect, error.cause)
        throw error
      }
    },
    find,
    insert,
    async sweep({ replayableBefore, decidedBefore, batchSizeMax }) {
      return transaction(pool, async (tx) => {
        const [tombstones, answers] = await Promise.all([
          tx.query({ text: deleteOldTombstones, values: [decidedBefore, batchSizeMax] }),
          tx.query({ text: takeAnswers, values: [replayableBefore, batchSizeMax] }),
        ])
        return { answers: answers.rowCount, tombstones: tombstones.rowCount }
      })
    },
    async probe() {
      try {
        await transaction(pool, probeInsert, limits)
      } catch (error) {
        if (!(error instanceof ProbeDone)) throw new Unavailable('none', error)
      }
    },
  }
}

type CommandRow = {
  id: CommandId
  scope: string
  operation: string
  key: string
  fingerprint: Buffer
  fingerprint_version: number
  status: number | null
  headers: Record<string, string>
  body: string
  decided_at: Date
  replayable_until: Date
}

async function find(tx: Tx, ids: readonly CommandId[]): Promise<Map<CommandId, CommandRecord>> {
  const { rows } = await tx.query<CommandRow>({
    name: 'find-commands',
    text: `select id, scope, operation, key, fingerprint, fingerprint_version, status, headers, body,
                  decided_at, replayable_until
             from commands where id = any($1::uuid[])`,
    values: [uuidArray(ids)],
  })
  return new Map(rows.map((row) => [row.id, recordOfRow(row)]))
}

async function insert(tx: Tx, records: readonly CommandRecord[]): Promise<void> {
  const column = <T>(of: (record: CommandRecord) => T) => records.map(of)
  tx.send({
    name: 'insert-commands',
    text: `insert into commands (id, scope, operation, key, fingerprint, fingerprint_version,
                                   status, headers, body, decided_at, replayable_until)
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[],
                                  $6::smallint[], $7::smallint[], $8::jsonb[], $9::text[],
                                  $10::timestamptz[], $11::timestamptz[])`,
    values: [
      uuidArray(column(({ id }) => id)),
      textArray(column(({ scope }) => scope)),
      textArray(column(({ operation }) => operation)),
      textArray(column(({ key }) => key)),
      byteaArray(column(({ fingerprint }) => fingerprint.hash)),
      int2Array(column(({ fingerprint }) => fingerprint.version)),
      int2Array(column(({ answer }) => answer?.status ?? null)),
      jsonbArray(column(({ answer }) => (answer ? JSON.stringify(answer.headers) : null))),
      textArray(column(({ answer }) => answer?.body ?? null)),
      timestamptzArray(column(({ decidedAt }) => decidedAt)),
      timestamptzArray(column(({ replayableUntil }) => replayableUntil)),
    ],
  })
}

function recordOfRow(row: CommandRow): CommandRecord {
  const { id, scope, operation, key } = row
  const answer: Rendered | undefined =
    row.status === null
      ? undefined
      : { status: row.status, headers: row.headers, body: Buffer.from(row.body) }
  return {
    id,
    scope,
    operation,
    key,
    fingerprint: { version: row.fingerprint_version, hash: row.fingerprint },
    answer,
    decidedAt: row.decided_at,
    replayableUntil: row.replayable_until,
  }
}

// Locked rows are skipped: whoever holds them is another sweeper.
const takeAnswers = `
  update commands set status = null, headers = null, body = null,
                      scope = '', operation = '', key = ''
   where id in (select id from commands
                 where replayable_until < $1 and status is not null
                 order by replayable_until limit $2 for update skip locked)`

const deleteOldTombstones = `
  delete from commands
   where id in (select id from commands
                 where decided_at < $1 and status is null
                 order by decided_at limit $2 for update skip locked)`

class ProbeDone extends Error {}

/** Writes a command and takes it back: what a real one needs is there, the disk included. */
async function probeInsert(tx: Tx): Promise<never> {
  await tx.query({
    text: `insert into commands (id, scope, operation, key, fingerprint, fingerprint_version,
                                 decided_at, replayable_until)
           values (gen_random_uuid(), '@probe', 'probe', '', $1, 0, now(), now())`,
    values: [Buffer.alloc(32)],
  })
  throw new ProbeDone()
}
