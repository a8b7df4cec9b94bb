import { once as onceOf } from 'node:events'
import { type Tx, transaction } from '@semel/postgres'
import { describe, expect, it } from 'vitest'
import { countOf, insertion, isCommit, once, things, throughProxy } from './things.ts'

describe('what a transaction sends without waiting for the reply', () => {
  it('has COMMIT right behind it: the reply is not waited for', async () => {
    const database = await things()
    await database.pool.query("insert into things values ('held', 1)")
    const { promise: committing, resolve: seeCommit } = Promise.withResolvers<void>()
    const pool = await throughProxy(database, (message) => {
      if (isCommit(message)) seeCommit()
      return 'pass'
    })
    const held = { text: "update things set size = size + 1 where id = 'held'" }

    let growing: Promise<void> | undefined
    await transaction(database.pool, async (holder) => {
      await holder.query(held)
      growing = transaction(pool, async (tx) => tx.send(held))
      // Held up by our lock it cannot be answered before we end, and yet its COMMIT comes.
      await committing
    })
    await growing

    expect((await database.pool.query('select size from things')).rows).toEqual([{ size: 3 }])
  })

  it('is committed though whoever hears its reply throws, and the process is warned', async () => {
    const database = await things()
    const warned = onceOf(process, 'warning')

    const end = await transaction(database.pool, async (tx) => {
      tx.send(insertion('one'), () => {
        throw new Error('a bug of the hearer')
      })
      return 'inserted'
    })

    expect(end).toBe('inserted')
    expect(await countOf(database)).toBe(1)
    expect(await warned).toMatchObject([{ message: 'a bug of the hearer' }])
  })

  it('is not committed, none of it, when one statement fails; the first fault is told', async () => {
    const database = await things()

    const failing = transaction(database.pool, async (tx) => {
      tx.send(insertion('one'))
      tx.send(insertion('two', 0))
      tx.send(insertion('three'))
    })

    await expect(failing).rejects.toMatchObject({ code: '23514' })
    expect(await countOf(database)).toBe(0)
  })

  it('is not committed when a statement could not even be sent', async () => {
    const database = await things()
    const twoOfOneName = ['one', 'two'].map((id) => ({
      name: 'insert-thing',
      text: `insert into things values ('${id}', 1)`,
    }))

    const failing = transaction(database.pool, async (tx) => {
      for (const statement of twoOfOneName) tx.send(statement)
    })

    await expect(failing).rejects.toMatchObject({ code: 'unavailable', effect: 'none' })
    expect(await countOf(database)).toBe(0)
  })

  it('is run again when it meets a duplicate, and then sees who was first', async () => {
    const database = await things()
    await database.pool.query("insert into things values ('one', 1)")
    let runs = 0

    const end = await transaction(database.pool, async (tx) => {
      runs += 1
      if (runs > 1) return once(tx, 'one')
      tx.send(insertion('one'))
      return 'inserted'
    })

    expect([end, runs]).toEqual(['found', 2])
  })

  it.each(['cut-before', 'cut-after'] as const)(
    'takes effect once when the connection breaks at it (%s)',
    async (cut) => {
      const database = await things()
      let isCut = false
      const pool = await throughProxy(database, ({ sql }) => {
        if (isCut || !sql?.startsWith('insert')) return 'pass'
        isCut = true
        return cut
      })

      expect(await transaction(pool, (tx) => once(tx, 'one'))).toBe('inserted')
      expect([isCut, await countOf(database)]).toEqual([true, 1])
    },
  )

  it('is said to be unknown, not committed, when the driver cannot read a reply to it', async () => {
    const database = await things()
    const unreadable = { text: 'select 9223372036854775807::int8 as number' }

    const end = transaction(database.pool, async (tx) => tx.send(unreadable), { unknownMaxMs: 50 })

    await expect(end).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' })
  })

  it('is refused once the work has ended', async () => {
    const database = await things()
    let ended: Tx | undefined

    await transaction(database.pool, async (tx) => {
      ended = tx
    })

    expect(() => ended?.send(insertion('late'))).toThrow('is over')
    expect(await countOf(database)).toBe(0)
  })
})
