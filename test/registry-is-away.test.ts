import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import {
  askLater,
  balanceOf,
  faultsIn,
  messageOf,
  migrations,
  openAccount,
  orderNow,
  startSaga,
  untilSettled,
} from './saga.ts'

describe('a registry that is away', () => {
  it('keeps nobody from an answer or an effect, and knows all of it when it is back', async () => {
    const database = await testDatabase(migrations)
    const { pool } = database
    const away = await startSaga(database, { without: ['messages'] })
    const userId = freshId()
    await openAccount(away.url, userId, 9000)
    const sent = times(10, (index) => ({ key: `order-${index}`, body: orderOf(userId) }))

    const guids = await Promise.all(sent.map((asked) => askLater(away.url, asked)))
    const told = await Promise.all(sent.map((asked) => ask(away.url, asked)))
    const repeats = await Promise.all(sent.map((asked) => ask(away.url, asked)))
    await away.stop()
    const { url } = await startSaga(database)
    await untilSettled(pool)

    expect(statusCounts(told)).toEqual({ 201: 10 })
    expect(repeats.map(({ answer }) => answer)).toEqual(told.map(({ answer }) => answer))
    for (const [index, guid] of guids.entries()) {
      const { state, response } = await messageOf(url, guid)
      expect([state, response.body]).toEqual(['answered', bodyOf(told[index]!)])
    }
    expect(await balanceOf(url, userId)).toBe(9000 - 10 * 450)
    expect(await faultsIn(pool)).toEqual([])
  })

  it('because its table is locked holds up no order, and catches up when it is let go', async () => {
    const database = await testDatabase(migrations)
    const { pool } = database
    const { url } = await startSaga(database)
    const userId = freshId()
    await openAccount(url, userId, 450)
    await untilSettled(pool)
    const holder = await database.anotherPool().connect()
    await holder.query('begin')
    await holder.query('lock table messages in access exclusive mode')

    const guid = await askLater(url, { key: 'later', body: orderOf(userId) })
    const told = await ask(url, { key: 'later', body: orderOf(userId) })
    const path = `/orders/${bodyOf(told).id}`
    const settled = await expect
      .poll(async () => bodyOf(await ask(url, { method: 'GET', path })).status, { timeout: 10_000 })
      .toBe('paid')
      .then(() => 'while the registry was locked')
    await holder.query('commit')
    holder.release()
    await untilSettled(pool)

    expect(told.answer.status).toBe(201)
    expect(settled).toBe('while the registry was locked')
    expect((await messageOf(url, guid)).response.body).toEqual(bodyOf(told))
    expect(bodyOf(await orderNow(url, bodyOf(told).id)).status).toBe('paid')
    expect(await faultsIn(pool)).toEqual([])
  })
})
