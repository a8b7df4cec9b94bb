import { createPool, DatabaseUnavailable, type Tx, transaction } from '@semel/postgres'
import { describe, expect, it } from 'vitest'
import { countOf, isCommit, once, things, throughProxy } from './things.ts'

describe('a transaction', () => {
  it('keeps what its work did, and nothing of work that throws', async () => {
    const database = await things()

    await transaction(database.pool, (tx) => once(tx, 'kept'))
    const failing = transaction(database.pool, async (tx) => {
      await once(tx, 'lost')
      throw new TypeError('a bug')
    })

    await expect(failing).rejects.toThrow(TypeError)
    expect(await countOf(database)).toBe(1)
  })

  it('is not committed when a statement failed whose error the work swallowed', async () => {
    const database = await things()

    const failing = transaction(database.pool, async (tx) => {
      await once(tx, 'one')
      await tx.query({ text: 'select 1/0' }).catch(() => {})
    })

    await expect(failing).rejects.toMatchObject({ code: '22012' })
    expect(await countOf(database)).toBe(0)
  })

  it('takes no statement any more once it is over: none may take effect by itself', async () => {
    const database = await things()
    const failed = Promise.withResolvers<void>()
    let late: Promise<unknown> = Promise.resolve()
    const save = async (tx: Tx) => {
      await once(tx, 'one')
      await failed.promise
      await once(tx, 'two')
    }

    const failing = transaction(database.pool, async (tx) => {
      late = save(tx).catch((error) => error)
      await tx.query({ text: 'select 1' })
      throw new TypeError('another part failed')
    })
    await expect(failing).rejects.toThrow('another part failed')
    failed.resolve()

    expect(await late).toMatchObject({ message: expect.stringContaining('is over') })
    expect(await countOf(database)).toBe(0)
  })

  it('whose COMMIT is cut off every other time takes effect once, and is told so', async () => {
    const database = await things()
    let commits = 0
    const pool = await throughProxy(database, (message) => {
      if (!isCommit(message)) return 'pass'
      commits += 1
      return commits % 2 === 1 ? 'cut-after' : 'pass'
    })

    const ids = Array.from({ length: 40 }, (_, n) => `thing ${n}`)
    const ends: string[] = []
    for (const id of ids) ends.push(await transaction(pool, (tx) => once(tx, id)))

    expect(await countOf(database)).toBe(40)
    // A busy server may come to the second run first: then that is the one that takes effect.
    expect(ends.filter((end) => end === 'found').length).toBeGreaterThan(20)
  })

  it('whose COMMIT never arrived is run again and takes effect once', async () => {
    const database = await things()
    let commits = 0
    const pool = await throughProxy(database, (message) => {
      if (!isCommit(message)) return 'pass'
      commits += 1
      return commits === 1 ? 'cut-before' : 'pass'
    })

    expect(await transaction(pool, (tx) => once(tx, 'one'))).toBe('inserted')
    expect(await countOf(database)).toBe(1)
  })

  it('says "unknown" when every COMMIT is cut off until its time is up', async () => {
    const database = await things()
    const pool = await throughProxy(database, (message) =>
      isCommit(message) ? 'cut-after' : 'pass',
    )

    const end = transaction(pool, (tx) => once(tx, 'one'), { unknownMaxMs: 100 })

    await expect(end).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' })
  })

  it('says that nothing happened when the server cannot be reached', async () => {
    const pool = createPool({
      connection: { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' },
    })

    const end = transaction(pool, async () => {})

    await expect(end).rejects.toMatchObject({ code: 'unavailable', effect: 'none' })
    await expect(end).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  it('survives a connection that is killed while it is used, and one that was killed before', async () => {
    const database = await things()
    const killer = database.anotherPool()
    const killOthers = () =>
      killer.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
    await transaction(database.pool, (tx) => once(tx, 'warm'))
    await killOthers()
    expect(await transaction(database.pool, (tx) => once(tx, 'killed before'))).toBe('inserted')

    let runs = 0
    await transaction(database.pool, async (tx) => {
      runs += 1
      await once(tx, 'killed while used')
      if (runs === 1) await killOthers()
      await tx.query({ text: 'select 1' })
    })

    expect(runs).toBe(2)
    expect(await countOf(database)).toBe(3)
  })

  it('is run again after a deadlock, and both sides get through', async () => {
    const database = await things()
    await database.pool.query("insert into things values ('a', 1), ('b', 1)")
    const bothHoldOne = meeting(2)
    const grow = (first: string, second: string) =>
      transaction(database.pool, async (tx) => {
        await tx.query({ text: 'update things set size = size + 1 where id = $1', values: [first] })
        await bothHoldOne()
        await tx.query({
          text: 'update things set size = size + 1 where id = $1',
          values: [second],
        })
      })

    await Promise.all([grow('a', 'b'), grow('b', 'a')])

    const { rows } = await database.pool.query('select size from things')
    expect(rows).toEqual([{ size: 3 }, { size: 3 }])
  })

  it('blames the data, not the database, for a value that breaks a constraint', async () => {
    const database = await things()
    const insert = (id: string, size: number) =>
      transaction(database.pool, (tx) =>
        tx.query({ text: 'insert into things values ($1, $2)', values: [id, size] }),
      )
    await insert('one', 1)

    await expect(insert('two', 0)).rejects.toMatchObject({ code: '23514' })
    await expect(insert('one', 1)).rejects.toMatchObject({ code: '23505' })
    expect(await countOf(database)).toBe(1)
  })
})

function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let come = 0
  return () => {
    come += 1
    if (come >= count) resolve()
    return promise
  }
}
