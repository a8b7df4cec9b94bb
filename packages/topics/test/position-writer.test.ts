import { DatabaseUnavailable, openSession, type Statement } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { listPositions, topicMigrations } from '@semel/topics'
import { expect, it, onTestFinished } from 'vitest'
import { register } from '../src/position-store.ts'
import { createPositionWriter } from '../src/position-writer.ts'

const one = { group: 'one', topic: 'a', partition: 0, onReset: () => {} }
const other = { ...one, group: 'other' }

it('a flush ends when what was noted before it is written, however much is noted meanwhile', async () => {
  const { pool, session } = await open()
  let position = 0
  let isNoting = true
  const writer = createPositionWriter({
    ...session,
    async query<Row extends object>(statement: Statement) {
      const rows = await session.query<Row>(statement)
      // A neighbour that is never done: whenever something is written, there is more.
      if (isNoting) writer.note(other, { position: ++position, generation: 1 })
      return rows
    },
  })
  onTestFinished(() => {
    isNoting = false
  })
  writer.note(other, { position: ++position, generation: 1 })
  writer.note(one, { position: 7, generation: 1 })

  await writer.flush()

  const written = await listPositions(pool)
  expect(written.find(({ group }) => group === 'one')).toMatchObject({ position: 7 })
})

it('a flush ends when the session is lost', async () => {
  const { session } = await open()
  let writes = 0
  const writer = createPositionWriter({
    ...session,
    async query<Row extends object>(statement: Statement) {
      writes += 1
      if (writes > 1) throw new DatabaseUnavailable('none', new Error('the server is gone'))
      return session.query<Row>(statement)
    },
  })
  writer.note(other, { position: 7, generation: 1 })
  // The first statement is on its way: this one goes with the second.
  writer.note(one, { position: 7, generation: 1 })

  await Promise.all([writer.flush(), writer.flush()])

  expect(await session.lost).toMatchObject({ code: 'unavailable' })
})

async function open() {
  const { pool } = await testDatabase([topicMigrations])
  const session = await openSession(pool)
  onTestFinished(session.close)
  await register(session, [one, other])
  return { pool, session }
}
