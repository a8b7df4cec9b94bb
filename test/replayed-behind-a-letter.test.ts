import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend, partitionOf, postgresDeadLetters } from '@semel/topics'
import { expect, it } from 'vitest'
import { type Asked, bodyOf, freshId } from './client.ts'
import {
  askLater,
  breakOrders,
  endOf,
  faultsIn,
  messageOf,
  migrations,
  openAccount,
  orderNow,
  replayTopics,
  startSaga,
  untilRead,
  untilSettled,
} from './saga.ts'

/** An order whose messages stand in another partition of three than the first. */
function idBeyondTheFirst(): string {
  const id = freshId()
  return partitionOf(id, 3) === 0 ? idBeyondTheFirst() : id
}

it('a replay sets aside nothing that was decided, though a letter stands before it', async () => {
  const database = await testDatabase(migrations)
  const { pool } = database
  const letters = postgresDeadLetters({ pool, append: outboxAppend() })
  const idsAside = async () =>
    (await letters.list({}, { order: 'position' })).map(({ id, reason }) => [id, reason])
  const [userId, id] = [freshId(), idBeyondTheFirst()]
  const linesOf = (sku: string) => [{ sku, quantity: 1, unitPrice: 100 }]
  const update = (version: number, sku: string): Asked => ({
    ...{ method: 'PUT', path: `/orders/${id}`, key: `${version}-${id}` },
    body: { version, lines: linesOf(sku) },
  })

  // Decided in the first partition; the letter then stands in another, and so before all of it.
  const first = await startSaga(database)
  await openAccount(first.url, userId, 1000)
  const placed = { body: { id, userId, lines: linesOf('tea') } }
  for (const asked of [placed, update(1, 'tea')]) {
    expect((await endOf(first.url, await askLater(first.url, asked))).state).toBe('answered')
  }
  await untilSettled(pool)
  await first.stop()
  const { url } = await startSaga(database, { partitions: 3 })
  const mend = await breakOrders(pool, 'update', 'poison')
  const broken = await askLater(url, update(2, 'poison'))
  await untilRead(pool)
  // Sent again behind the letter, what was decided is done; what is new waits.
  await askLater(url, update(1, 'tea'))
  const late = await askLater(url, update(3, 'tea'))
  await untilRead(pool)
  const aside = await idsAside()

  await replayTopics(pool)
  await untilRead(pool)
  const asideAfter = await idsAside()
  await mend()
  await letters.redrive({}, new Date())
  await expect.poll(async () => (await idsAside()).length, { timeout: 10_000 }).toBe(0)
  await untilSettled(pool)

  expect(aside).toEqual([
    [broken, 'failed'],
    [late, 'behind-parked'],
  ])
  expect(asideAfter).toEqual(aside)
  expect(bodyOf(await orderNow(url, id))).toMatchObject({ status: 'paid', version: 4 })
  expect((await messageOf(url, late)).response.status).toBe(200)
  expect(await faultsIn(pool)).toEqual([])
})
