import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, times } from './client.ts'
import { databaseUrl } from './replicas.ts'
import { type RestlessProduct, startRestless } from './restless-product.ts'
import { balanceOf, faultsIn, messageOf, migrations, untilSettled } from './saga.ts'
import { type Ended, type Hardships, insist } from './stubborn-client.ts'

/** How long processes are killed; KILL_SECONDS lengthens it. */
const killedMs = Number(process.env.KILL_SECONDS ?? 8) * 1000
const settledWithinMs = 15_000
const clients = 12

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

/** Kills one of two, at times both at once, whenever both have come up, until the time is over. */
async function killFor(ms: number, product: RestlessProduct): Promise<number> {
  const end = performance.now() + ms
  let kills = 0
  while (performance.now() < end) {
    await product.allReady()
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 800))
    const both = Math.random() < 0.3
    for (const _ of both ? [1, 2] : [1]) if (product.killOne()) kills += 1
  }
  return kills
}

/** Whoever is asked again, and the registry, say what the client was told. */
async function expectToldAlike(urls: readonly [string, string], end: Ended): Promise<void> {
  const { asked, guids, status, body } = end
  const again = await ask(urls[0], asked)
  expect([again.answer.status, bodyOf(again), again.replayed]).toEqual([status, body, true])
  expect((await ask(urls[1], asked)).answer).toEqual(again.answer)
  expect(guids.size).toBeLessThanOrEqual(1)
  for (const guid of guids) {
    expect(await messageOf(urls[1], guid)).toMatchObject({ state: 'answered', response: { body } })
  }
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

  const lives = Promise.allSettled(
    userIds.map((userId) =>
      live(
        userId,
        (asked) => insist(product.urls, asked, hardships),
        () => isOver,
      ),
    ),
  )
  const kills = await killFor(killedMs, product)
  isOver = true
  const ended = (await lives).map((ended) => {
    if (ended.status === 'rejected') throw ended.reason
    return ended.value
  })
  await product.allReady()
  await untilSettled(pool, settledWithinMs)

  expect(product.ends()).toEqual([])
  expect(await faultsIn(pool)).toEqual([])
  const all = ended.flat()
  const count = all.length
  const counted = await pool.query(
    `select count(*)::integer as commands from commands where scope not like '@%'`,
  )
  expect(counted.rows[0].commands).toBe(count)
  const urls = product.urls() as [string, string]
  while (all.length > 0) {
    await Promise.all(all.splice(0, 50).map((end) => expectToldAlike(urls, end)))
  }
  for (const [index, userId] of userIds.entries()) {
    const deposits = ended[index]!.filter(({ asked }) => asked.path?.endsWith('/deposits'))
    const put = deposits.reduce((sum, { body }) => sum + body.amount, 0)
    expect(await balanceOf(urls[0], userId)).toBe(put - (await spentBy(pool, userId)))
  }
  // The test is worth nothing where nothing went wrong.
  expect(kills).toBeGreaterThanOrEqual(2)
  expect(Math.min(hardships.broken, hardships.later, hardships.now)).toBeGreaterThan(0)
  console.info(`${count} commands, ${kills} kills, ${JSON.stringify(hardships)}`)
})
