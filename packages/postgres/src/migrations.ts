import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PoolClient, QueryConfig } from 'pg'
import { type Pool, type Queryable, queryable, send } from './pool.ts'
import { sqlStateOf } from './sqlstate.ts'

/** A numbered `.sql` file and the set it belongs to. */
export type Migration = Readonly<{ set: string; number: number; name: string; sql: string }>

/** A folder of migrations, under the name that its tables are known by. */
export type MigrationSet = Readonly<{ set: string; folder: URL }>

/**
 * Two migrations clash, or the database is ahead of the code, or lacks one in the middle. Code
 * `migration-refused`.
 */
export class MigrationRefused extends Error {
  readonly code = 'migration-refused'
}

/** Any number that only migrations lock. */
const migrationLock = 5_370_231_601
/** How long one migration, or another process's, may take: an hour. */
const patienceMs = 60 * 60 * 1000
const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/

/** Reads the migrations of a folder, `NNNN_verb_noun.sql`, in their order. */
export async function readMigrations({ set, folder }: MigrationSet): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(fileName.exec(file)?.[1])
      if (number !== index + 1) {
        throw new MigrationRefused(
          `${basename(fileURLToPath(folder))}/${file}: expected ${String(index + 1).padStart(4, '0')}_verb_noun.sql`,
        )
      }
      return { set, number, name: file, sql: await readFile(new URL(file, folder), 'utf8') }
    }),
  )
}

/**
 * Brings a database up to date: what is missing is run, in order, each file in a transaction with
 * the row that says so. Safe to repeat and to run from several processes at once; a set that is
 * named twice is one set. A single migration may take an hour.
 *
 * @returns the names of the migrations that were run.
 * @throws {MigrationRefused} when the database has migrations that this release does not know,
 * lacks one before one that it has, or refuses one (as to a role that may not create tables).
 */
export async function migrate(pool: Pool, sets: readonly MigrationSet[]): Promise<string[]> {
  const client = await pool.connect()
  const ran: string[] = []
  try {
    // An index on a full table takes its time, and so does waiting for another process's.
    await client.query('set statement_timeout = 0')
    await client.query({
      text: 'select pg_advisory_lock($1)',
      values: [migrationLock],
      query_timeout: patienceMs,
    } as QueryConfig)
    await client.query(
      `create table if not exists migrations (
         set text not null, number integer not null, name text not null,
         migrated_at timestamptz not null default now(), primary key (set, number))`,
    )
    // All sets are judged before any is run: a database that is ahead is left as it is.
    for (const migration of await missingIn({ query: (of) => send(client, of) }, sets)) {
      await run(client, migration)
      ran.push(nameOf(migration))
    }
    return ran
  } catch (error) {
    if (sqlStateOf(error) === undefined || error instanceof MigrationRefused) throw error
    const reason = (error as Error).message
    throw new MigrationRefused(`the database cannot be migrated: ${reason}`, { cause: error })
  } finally {
    // Ends the session and with it the lock, whatever state it is in.
    client.release(true)
  }
}

/**
 * Says which migrations a database lacks, and changes nothing.
 *
 * @returns the names of those that {@link migrate} would run, in their order.
 * @throws {MigrationRefused} when the database has migrations that this release does not know, or
 * lacks one before one that it has.
 * @throws {DatabaseUnavailable}
 */
export async function missingMigrations(
  pool: Pool,
  sets: readonly MigrationSet[],
): Promise<string[]> {
  const db = queryable(pool)
  const text = "select to_regclass('migrations') is not null as known"
  const { rows } = await db.query<{ known: boolean }>({ text })
  if (rows[0]!.known) return (await missingIn(db, sets)).map(nameOf)
  const all = await Promise.all(distinct(sets).map(readMigrations))
  return all.flat().map(nameOf)
}

async function missingIn(db: Queryable, sets: readonly MigrationSet[]): Promise<Migration[]> {
  const missing: Migration[] = []
  for (const set of distinct(sets)) missing.push(...(await missingOf(db, set)))
  return missing
}

/** A set that is named twice is one set. */
function distinct(sets: readonly MigrationSet[]): MigrationSet[] {
  return [...new Map(sets.map((set) => [set.set, set])).values()]
}

function nameOf({ set, name }: Migration): string {
  return `${set}/${name}`
}

async function missingOf(db: Queryable, set: MigrationSet): Promise<Migration[]> {
  const migrations = await readMigrations(set)
  const { rows } = await db.query<{ newest: number; count: number }>({
    text: `select coalesce(max(number), 0)::integer as newest, count(*)::integer as count
             from migrations where set = $1`,
    values: [set.set],
  })
  const { newest, count } = rows[0]!
  if (newest <= migrations.length) {
    if (count === newest) return migrations.slice(newest)
    throw new MigrationRefused(
      `the database is half migrated: of the migrations of "${set.set}" up to ${newest} it has ` +
        `${count}; restore it from a backup`,
    )
  }
  throw new MigrationRefused(
    `the database is ahead: it has migration ${newest} of "${set.set}", ` +
      `this release knows ${migrations.length}; run the newer release`,
  )
}

async function run(client: PoolClient, { set, number, name, sql }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query({ text: sql, query_timeout: patienceMs } as QueryConfig)
    await client.query('insert into migrations (set, number, name) values ($1, $2, $3)', [
      set,
      number,
      name,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new MigrationRefused(`${set}/${name}: ${(error as Error).message}`, { cause: error })
  }
}
