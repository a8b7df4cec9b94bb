import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, times } from './client.ts'
import { databaseUrl } from './replicas.ts'
import { startRestless } from './restless-product.ts'
import { balanceOf, faultsIn, messageOf, migrations, untilSettled } from './saga.ts'
import { type Ended, type Hardships, insist } from './stubborn-client.ts'

/** How long processes are killed; KILL_SECONDS lengthens it. */
const killedMs = Number(process.env.KILL_SECONDS ?? 8) * 1000
const settledWithinMs = 15_000
const clients = 32

type Send = (asked: Asked) => Promise<Ended>

/** A user's life: an account, and orders that are paid or not, changed and taken back. */
async function live(userId: string, send: Send, isOver: () => boolean): Promise<Ended[]> {
  const ended: Ended[] = []
  const sendNext = async (asked: Asked) => {
    const end = await send(asked)
    ended.push(end)
    return end
  }
  await sendNext({ path: '/accounts', body: { userId, name: 'Ann' } })
  for (let n = 0; !isOver(); n += 1) {
    const path = `/accounts/${userId}/deposits`
    await sendNext({ path, key: `deposit-${userId}-${n}`, body: { amount: 900 } })
    const { body } = await sendNext({ key: `place-${userId}-${n}`, body: orderOf(userId, 1) })
    const order = `/orders/${body.id}`
    const { lines } = orderOf(userId, 1 + (n % 4))
    const change = { version: 1, lines }
    await Promise.all([
      sendNext({ method: 'PUT', path: order, key: `change-${body.id}`, body: change }),
      sendNext({ body: orderOf(userId, 2, freshId()) }),
    ])
    if (n % 3 === 0) await sendNext({ method: 'DELETE', path: order, key: `cancel-${body.id}` })
  }
  return ended
}

/** Kills one after the other, a while apart, until the time is over. */
async function killFor(ms: number, killOne: () => boolean): Promise<number> {
  const end = performance.now() + ms
  let kills = 0
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1300))
    if (killOne()) kills += 1
  }
  return kills
}

/** The orders of a user that are paid, in money. */
async function spentBy(pool: Pool, userId: string): Promise<number> {
  const { rows } = await pool.query(
    `select coalesce(sum(total), 0)::bigint as spent from orders
      where user_id = $1 and status = 'paid'`,
    [userId],
  )
  return Number(rows[0].spent)
}

it('whatever processes are killed, what was accepted is settled, once, and told alike', {
  timeout: killedMs + 120_000,
}, async () => {
  const database = await testDatabase(migrations)
  const { pool } = database
  const product = startRestless(2, { DATABASE_URL: databaseUrl(database) })
  await product.allReady()
  const hardships: Hardships = { broken: 0, refused: 0, later: 0, now: 0 }
  const userIds = times(clients, freshId)
  let isOver = false

  const lives = userIds.map((userId) =>
    live(
      userId,
      (asked) => insist(product.urls, asked, hardships),
      () => isOver,
    ),
  )
  const kills = await killFor(killedMs, product.killOne)
  isOver = true
  const ended = await Promise.all(lives)
  await product.allReady()
  await untilSettled(pool, settledWithinMs)

  expect(product.ends()).toEqual([])
  expect(await faultsIn(pool)).toEqual([])
  const all = ended.flat()
  const counted = await pool.query(
    `select count(*)::integer as commands from commands where scope not like '@%'`,
  )
  expect(counted.rows[0].commands).toBe(all.length)
  const [url, other] = product.urls() as [string, string]
  for (const { asked, guids, status, body } of all) {
    const again = await ask(url, asked)
    expect([again.answer.status, bodyOf(again), again.replayed]).toEqual([status, body, true])
    expect((await ask(other, asked)).answer).toEqual(again.answer)
    expect(guids.size).toBeLessThanOrEqual(1)
    for (const guid of guids) {
      expect(await messageOf(other, guid)).toMatchObject({ state: 'answered', response: { body } })
    }
  }
  for (const [index, userId] of userIds.entries()) {
    const deposits = ended[index]!.filter(({ asked }) => asked.path?.endsWith('/deposits'))
    const put = deposits.reduce((sum, { body }) => sum + body.amount, 0)
    expect(await balanceOf(url, userId)).toBe(put - (await spentBy(pool, userId)))
  }
  // The test is worth nothing where nothing went wrong.
  expect(kills).toBeGreaterThanOrEqual(killedMs / 4000)
  expect(Math.min(hardships.broken, hardships.later, hardships.now)).toBeGreaterThan(0)
  console.info(`${all.length} commands, ${kills} kills, ${JSON.stringify(hardships)}`)
})
