import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PoolClient, QueryConfig } from 'pg'
import { type Pool, type Queryable, queryable, send } from './pool.ts'
import { sqlStateOf } from './sqlstate.ts'

/** A numbered `.sql` file and the set it belongs to. */
export type Migration = Readonly<{
  set: string
  number: number
  name: string
  sql: string
  /** Its first line promises that the release before it goes on working after it. */
  additive: boolean
}>

/** A folder of migrations, under the name that its tables are known by. */
export type MigrationSet = Readonly<{ set: string; folder: URL }>

/**
 * Two migrations clash, or the database is ahead of the code, has another one under the number of
 * one, or lacks one in the middle. Code `migration-refused`.
 */
export class MigrationRefused extends Error {
  readonly code = 'migration-refused'
}

/** Any number that only migrations lock. */
const migrationLock = 5_370_231_601
/** How long one migration, or another process's, may take: an hour. */
const patienceMs = 60 * 60 * 1000
const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/

/**
 * Reads the migrations of a folder, `NNNN_verb_noun.sql`, in their order. A first line that is
 * `-- additive` promises that they only add: tables, columns that are null or have a default,
 * indexes. Then a release that does not know them goes on working.
 */
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
      const sql = await readFile(new URL(file, folder), 'utf8')
      return { set, number, name: file, sql, additive: /^-- additive\r?\n/.test(sql) }
    }),
  )
}

/**
 * Brings a database up to date: what is missing is run, in order, each file in a transaction with
 * the row that says so. Safe to repeat and to run from several processes at once; a set that is
 * named twice is one set. A single migration may take an hour.
 *
 * @returns the names of the migrations that were run.
 * @throws {MigrationRefused} when the database has migrations that this release does not know and
 * that are not additive, or another one under the number of one, lacks one before one that it has,
 * or refuses one (as to a role that may not create tables).
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
    const db: Queryable = { query: (statement) => send(client, statement) }
    // All sets are judged before any is run: a database that is ahead is left as it is.
    const compared = await compareSets(sets, db)
    const missing = compared.flatMap((one) => one.missing)
    if (missing.length > 0) await addPromise(db)
    for (const migration of missing) {
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
 * Compares a database with this release, and changes nothing.
 *
 * @returns the names of the migrations that {@link migrate} would run, in their order, and of those
 * that this release does not know, all of them additive.
 * @throws {MigrationRefused} when the database has others that this release does not know, or
 * another one under the number of one, or lacks one before one that it has.
 * @throws {DatabaseUnavailable}
 */
export async function compareMigrations(
  pool: Pool,
  sets: readonly MigrationSet[],
): Promise<{ missing: readonly string[]; ahead: readonly string[] }> {
  const db = queryable(pool)
  const text = "select to_regclass('migrations') is not null as known"
  const { rows } = await db.query<{ known: boolean }>({ text })
  const compared = await compareSets(sets, rows[0]!.known ? db : undefined)
  const of = (what: keyof Compared) => compared.flatMap((one) => one[what].map(nameOf))
  return { missing: of('missing'), ahead: of('ahead') }
}

type Ran = Pick<Migration, 'set' | 'number' | 'name' | 'additive'>
type Compared = Readonly<{ missing: readonly Migration[]; ahead: readonly Ran[] }>

/** Without a database that knows any migration, all are missing. */
async function compareSets(
  sets: readonly MigrationSet[],
  db: Queryable | undefined,
): Promise<readonly Compared[]> {
  const compared: Compared[] = []
  for (const set of distinct(sets)) {
    const known = await readMigrations(set)
    compared.push(compare(known, db === undefined ? [] : await findRan(db, set)))
  }
  return compared
}

/** A set that is named twice is one set. */
function distinct(sets: readonly MigrationSet[]): MigrationSet[] {
  return [...new Map(sets.map((set) => [set.set, set])).values()]
}

function nameOf({ set, name }: Pick<Migration, 'set' | 'name'>): string {
  return `${set}/${name}`
}

async function findRan(db: Queryable, { set }: MigrationSet): Promise<readonly Ran[]> {
  const { rows } = await db.query<Ran>({
    // A table from before this promise was recorded has no such column.
    text: `select set, number, name,
                  coalesce((to_jsonb(migrations) ->> 'additive')::boolean, false) as additive
             from migrations where set = $1 order by number`,
    values: [set],
  })
  return rows
}

function compare(known: readonly Migration[], ran: readonly Ran[]): Compared {
  refuseOthers(known, ran)
  const ahead = ran.filter(({ number }) => number > known.length)
  const breaking = ahead.find(({ additive }) => !additive)
  if (breaking !== undefined) {
    throw new MigrationRefused(
      `the database is ahead: this release does not know ${nameOf(breaking)}, which is not ` +
        'additive; run the newer release, or restore the backup from before it',
    )
  }
  const newest = ran.at(-1)
  if (newest === undefined || newest.number === ran.length) {
    return { missing: known.slice(ran.length), ahead }
  }
  throw new MigrationRefused(
    `the database is half migrated: of the migrations of "${newest.set}" up to ${newest.number} ` +
      `it has ${ran.length}; restore it from a backup`,
  )
}

/** Numbers alone would take a file of another branch for the one of this release. */
function refuseOthers(known: readonly Migration[], ran: readonly Ran[]): void {
  for (const there of ran) {
    const here = known[there.number - 1]
    if (here === undefined || here.name === there.name) continue
    throw new MigrationRefused(
      `the database was migrated by another release: it has ${nameOf(there)}, where this release ` +
        `has ${nameOf(here)}; run the release that it belongs to, or restore the backup from before it`,
    )
  }
}

/** To a table from before the promise was recorded; of what is in it nothing is known. */
async function addPromise(db: Queryable): Promise<void> {
  const there = await db.query({
    text: `select from pg_attribute
            where attrelid = 'migrations'::regclass and attname = 'additive'`,
  })
  if (there.rowCount > 0) return
  await db.query({
    text: 'alter table migrations add column additive boolean not null default false',
  })
}

async function run(client: PoolClient, migration: Migration): Promise<void> {
  const { set, number, name, sql, additive } = migration
  await client.query('begin')
  try {
    await client.query({ text: sql, query_timeout: patienceMs } as QueryConfig)
    await client.query(
      'insert into migrations (set, number, name, additive) values ($1, $2, $3, $4)',
      [set, number, name, additive],
    )
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new MigrationRefused(`${nameOf(migration)}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
