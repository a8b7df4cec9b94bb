import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf } from './client.ts'
import { migrations, openAccount, orderNow, startSaga, untilSettled } from './saga.ts'

/** What orders had decided is gone, as after a restore; what billing decided about it is not. */

it('an order that was paid and lost is paid when it is sent again, and charged once', async () => {
  const database = await testDatabase(migrations)
  const { url: urlBefore, stop } = await startSaga(database)
  const { pool } = database
  const userId = freshId()
  const asked = { key: freshId(), body: orderOf(userId) }
  await openAccount(urlBefore, userId, 1000)
  const first = bodyOf(await ask(urlBefore, asked))
  await untilSettled(pool)

  await stop()
  await pool.query('delete from orders')
  await pool.query(`delete from commands where operation = 'place-order'`)
  const { url } = await startSaga(database)
  const again = await ask(url, asked)
  await untilSettled(pool)

  expect([again.replayed, bodyOf(again).id]).toEqual([false, first.id])
  expect(bodyOf(await orderNow(url, first.id)).status).toBe('paid')
  const { rows } = await pool.query(`select amount from entries where kind <> 'deposit'`)
  expect(rows).toEqual([{ amount: -450 }])
  const { rows: told } = await pool.query('select kind from notifications')
  expect(told).toEqual([{ kind: 'happiness' }])
})
