import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compareMigrations, type MigrationSet, migrate } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

describe('migrations', () => {
  it('are run once, in their order, however often and by however many they are started', async () => {
    const { pool, anotherPool } = await testDatabase([])
    const set = await setOf({
      '0001_create_things.sql': 'create table things (id integer)',
      '0002_fill_things.sql': 'insert into things values (1)',
    })

    const ran = await Promise.all([migrate(pool, [set]), migrate(anotherPool(), [set])])
    const again = await migrate(pool, [set])

    expect(ran.map(({ length }) => length).sort()).toEqual([0, 2])
    expect(again).toEqual([])
    expect((await pool.query('select id from things')).rows).toEqual([{ id: 1 }])
  })

  it('of a set that two services share are run once', async () => {
    const { pool } = await testDatabase([])
    const set = await setOf({ '0001_create_things.sql': 'create table things (id integer)' })

    expect(await migrate(pool, [set, { ...set }])).toEqual(['things/0001_create_things.sql'])
  })

  it('may take longer than a statement of the service may', async () => {
    const { anotherPool } = await testDatabase([])
    const hurried = anotherPool({ statementTimeoutMs: 100 })
    const set = await setOf({ '0001_take_time.sql': 'select pg_sleep(0.3)' })

    expect(await migrate(hurried, [set])).toHaveLength(1)
  })

  it('leave nothing of one that fails, and say which one it was', async () => {
    const { pool } = await testDatabase([])
    const set = await setOf({
      '0001_create_things.sql': 'create table things (id integer)',
      '0002_break_things.sql': 'create table others (id integer); select 1/0',
    })

    await expect(migrate(pool, [set])).rejects.toMatchObject({
      code: 'migration-refused',
      message: expect.stringContaining('things/0002_break_things.sql: division by zero'),
    })
    const { rows } = await pool.query(
      "select to_regclass('things') as a, to_regclass('others') as b",
    )
    expect(rows).toEqual([{ a: 'things', b: null }])
  })

  it('that only add let the release before them go on, and be migrated again', async () => {
    const { pool } = await testDatabase([])
    const before = await setOf(released)
    await migrate(pool, [await setOf({ ...released, ...adding })])

    const compared = await compareMigrations(pool, [before])
    const ran = await migrate(pool, [before])

    expect(compared).toEqual({ missing: [], ahead: ['things/0002_add_size.sql'] })
    expect(ran).toEqual([])
    await pool.query('select size from things')
  })

  it.each([
    ['does not say that it only adds', { '0003_drop_id.sql': 'alter table things drop id' }],
    [
      'says so behind its first line',
      { '0003_drop_id.sql': '-- The id.\n-- additive\nalter table things drop id' },
    ],
  ])('of which one %s are refused to the release before', async (_, breaking) => {
    const { pool } = await testDatabase([])
    const before = await setOf(released)
    await migrate(pool, [await setOf({ ...released, ...adding, ...breaking })])
    const other = { ...(await setOf({ '0001_create_others.sql': 'select 1' })), set: 'others' }

    const refusal = {
      code: 'migration-refused',
      message:
        'the database is ahead: this release does not know things/0003_drop_id.sql, which is not ' +
        'additive; run the newer release, or restore the backup from before it',
    }
    await expect(compareMigrations(pool, [before])).rejects.toMatchObject(refusal)
    await expect(migrate(pool, [other, before])).rejects.toMatchObject(refusal)
    expect(await compareMigrations(pool, [other])).toMatchObject({ missing: [expect.anything()] })
  })

  it.each([
    ['and it has no more', {}],
    ['and it is ahead', { '0003_add_more.sql': '-- additive\n' }],
  ])('are refused where the database has another file under a number, %s', async (_, more) => {
    const { pool } = await testDatabase([])
    await migrate(pool, [await setOf({ ...released, ...adding, ...more })])
    const other = await setOf({ ...released, '0002_add_colour.sql': '-- additive\n' })

    const refusal = {
      code: 'migration-refused',
      message:
        'the database was migrated by another release: it has things/0002_add_size.sql, where this ' +
        'release has things/0002_add_colour.sql; run the release that it belongs to, or restore the ' +
        'backup from before it',
    }
    await expect(compareMigrations(pool, [other])).rejects.toMatchObject(refusal)
    await expect(migrate(pool, [other])).rejects.toMatchObject(refusal)
  })

  it('that were run before the promise was recorded promise nothing', async () => {
    const { pool } = await testDatabase([])
    await migrate(pool, [await setOf({ ...released, ...adding })])
    await pool.query('alter table migrations drop column additive')
    const before = await setOf(released)
    const later = await setOf({ ...released, ...adding, '0003_add_more.sql': '-- additive\n' })

    await expect(compareMigrations(pool, [before])).rejects.toThrow('0002_add_size.sql')
    const ran = await migrate(pool, [later])

    expect(ran).toEqual(['things/0003_add_more.sql'])
    const { rows } = await pool.query('select number, additive from migrations order by number')
    expect(rows.map(({ number, additive }) => [number, additive])).toEqual([
      ...[
        [1, false],
        [2, false],
        [3, true],
      ],
    ])
  })

  it('are refused when their numbers have a hole', async () => {
    const { pool } = await testDatabase([])
    const set = await setOf({ '0002_create_things.sql': 'create table things (id integer)' })

    await expect(migrate(pool, [set])).rejects.toMatchObject({ code: 'migration-refused' })
  })
})

const released = { '0001_create_things.sql': 'create table things (id integer)' }
const adding = { '0002_add_size.sql': '-- additive\nalter table things add size integer' }

async function setOf(files: Record<string, string>): Promise<MigrationSet> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await Promise.all(Object.entries(files).map(([name, sql]) => writeFile(join(folder, name), sql)))
  return { set: 'things', folder: pathToFileURL(`${folder}/`) }
}
