import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type MigrationSet, migrate } from '@semel/postgres'
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

  it('are refused when their numbers have a hole', async () => {
    const { pool } = await testDatabase([])
    const set = await setOf({ '0002_create_things.sql': 'create table things (id integer)' })

    await expect(migrate(pool, [set])).rejects.toMatchObject({ code: 'migration-refused' })
  })
})

async function setOf(files: Record<string, string>): Promise<MigrationSet> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await Promise.all(Object.entries(files).map(([name, sql]) => writeFile(join(folder, name), sql)))
  return { set: 'things', folder: pathToFileURL(`${folder}/`) }
}
