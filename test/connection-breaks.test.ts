import { createOrders, migrations } from '@semel/orders'
import { createPool } from '@semel/postgres'
import { type Fate, startFaultProxy } from '@semel/postgres/fault-proxy'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, statusCounts } from './client.ts'
import { repeatAll, startLoad } from './load.ts'
import { startProduct, until } from './product.ts'
import { databaseUrl, tracesOf } from './replicas.ts'
import { serve } from './serve.ts'

describe('a connection to PostgreSQL that breaks', () => {
  it.each(['cut-before', 'cut-after'] as const)(
    'at any message (%s) is noticed by nobody: each command happens once, and is answered so',
    async (cut) => {
      const { database, url, arm } = await behindProxy(cut)
      const userId = freshId()
      const once = async (place: number, asked: Asked) => {
        const wasCut = arm(place)
        const told = await ask(url, asked)
        return { told, wasCut: wasCut() }
      }

      let place = 1
      for (; ; place += 1) {
        const placed = await once(place, { key: `place-${place}`, body: orderOf(userId) })
        const { id, version } = bodyOf(placed.told)
        const body = { version, lines: orderOf(userId, 7).lines }
        const update = {
          method: 'PUT',
          path: `/orders/${id}`,
          key: `update-${place}`,
          body,
        } as const
        const updated = await once(place, update)
        expect([place, placed.told.answer.status, updated.told.answer.status]).toEqual([
          place,
          201,
          200,
        ])
        expect(bodyOf(updated.told).version).toBe(2)
        if (!placed.wasCut && !updated.wasCut) break
      }

      expect(place).toBeGreaterThan(10)
      const counts = { orders: place, commands: 2 * place, messages: 2 * place }
      expect(await tracesOf(database.pool)).toEqual(counts)
    },
  )

  it('because an administrator ends it, again and again under load, costs no order', async () => {
    const database = await testDatabase([])
    const { url } = await startProduct({ DATABASE_URL: databaseUrl(database) })
    const load = startLoad(url, 16)

    for (let round = 1; round <= 8; round += 1) {
      const wanted = load.placed.size + 30
      await until(async () => load.placed.size >= wanted)
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`,
      )
    }
    await load.stop()
    const told = await repeatAll(url, load, load.sent)

    expect(statusCounts([...load.refused.values(), ...told.values()])).toMatchObject({
      201: load.sent.size,
    })
    for (const [key, { answer }] of load.placed) expect(told.get(key)!.answer).toEqual(answer)
    for (const refused of load.refused.values()) expect(refused.answer.status).toBe(503)
    const keys = load.sent.size
    expect(await tracesOf(database.pool)).toEqual({ orders: keys, commands: keys, messages: keys })
  })
})

/** A shop that reaches its database through a proxy, which cuts at the n-th message from now on. */
async function behindProxy(cut: Fate) {
  const database = await testDatabase(migrations)
  let messagesLeft = Number.POSITIVE_INFINITY
  const { connection } = database
  const path = `${connection.host}/.s.PGSQL.${connection.port ?? 5432}`
  const proxy = await startFaultProxy({ path }, () => {
    messagesLeft -= 1
    return messagesLeft === 0 ? cut : 'pass'
  })
  onTestFinished(() => proxy.close())
  const pool = createPool({ connection: { ...connection, host: '127.0.0.1', port: proxy.port } })
  onTestFinished(() => pool.end())
  const orders = createOrders({ pool, currency: 'EUR' })
  onTestFinished(() => orders.stop())
  const url = await serve(orders)
  /** Whether it has come to the cut is told by the function that this gives. */
  const arm = (place: number) => {
    messagesLeft = place
    return () => messagesLeft <= 0
  }
  return { database, url, arm }
}
