import { exactly, type Tx, transaction } from '@semel/postgres'
import { expect, it } from 'vitest'
import { countOf, insertion, things } from './things.ts'

const shrink = (ids: readonly string[]) => ({
  name: 'shrink-things',
  text: 'update things set size = size - 1 where id = any($1::text[])',
  values: [ids],
})

function shrunk(tx: Tx, ids: readonly string[], rows: number): void {
  tx.send(insertion(`beside ${ids.join()}`))
  tx.send(exactly(rows, shrink(ids)))
}

it('a statement that changes as many rows as it should is committed', async () => {
  const database = await things()
  await transaction(database.pool, async (tx) => tx.send(insertion('one', 7)))

  await transaction(database.pool, async (tx) => shrunk(tx, ['one'], 1))
  await transaction(database.pool, async (tx) => shrunk(tx, ['none'], 0))

  const { rows } = await database.pool.query(`select size from things where id = 'one'`)
  expect(rows).toEqual([{ size: 6 }])
  expect(await countOf(database)).toBe(3)
})

it('one that changes fewer or more keeps nothing of its transaction, and says how many', async () => {
  const database = await things()
  await transaction(database.pool, async (tx) => {
    tx.send(insertion('one', 7))
    tx.send(insertion('two', 7))
  })

  const fewer = transaction(database.pool, async (tx) => shrunk(tx, ['one', 'none'], 2))
  const more = transaction(database.pool, async (tx) => shrunk(tx, ['one', 'two'], 1))

  await expect(fewer).rejects.toMatchObject({ code: '22P02' })
  await expect(fewer).rejects.toThrow('1 of 2 rows')
  await expect(more).rejects.toThrow('2 of 1 rows')
  expect(await countOf(database)).toBe(2)
})
