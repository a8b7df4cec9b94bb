import { postgresStore } from '@semel/commands/postgres'
import { createOrders, migrations } from '@semel/orders'
import { createPool } from '@semel/postgres'
import { type ClientMessage, type Fate, startFaultProxy } from '@semel/postgres/fault-proxy'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import { startProduct } from './product.ts'
import { databaseUrl, tracesOf } from './replicas.ts'
import { serve } from './serve.ts'

const isCommit = ({ type, sql }: ClientMessage) => type === 'Q' && sql === 'commit'

/** A way to a database on which `fate` decides what becomes of every message. */
async function startProxy(
  { connection }: TestDatabase,
  fate: (message: ClientMessage) => Fate,
): Promise<{ host: string; port: number }> {
  const path = `${connection.host}/.s.PGSQL.${connection.port ?? 5432}`
  const proxy = await startFaultProxy({ path }, fate)
  onTestFinished(() => proxy.close())
  return { host: '127.0.0.1', port: proxy.port }
}

describe('a COMMIT whose reply is lost', () => {
  it.each(['cut-after', 'cut-before'] as const)(
    'every time (%s): nobody is told a failure, and everything happens once',
    async (cut) => {
      const database = await testDatabase(migrations)
      let commits = 0
      let isCutting = false
      // One batch is in flight at a time: its first COMMIT is cut, that of its second run passes.
      const proxy = await startProxy(database, (message) => {
        if (!isCommit(message) || !isCutting) return 'pass'
        commits += 1
        return commits % 2 === 1 ? cut : 'pass'
      })
      const { url } = await startProduct({ DATABASE_URL: databaseUrl(database, proxy) })
      isCutting = true
      const userId = freshId()
      const client = async (name: number) => {
        const asked: Asked[] = []
        const placed = await ask(url, { key: `${name}-place`, body: orderOf(userId) })
        const { id } = bodyOf(placed)
        const { lines } = orderOf(userId, 7)
        asked.push({
          key: `${name}-update`,
          method: 'PUT',
          path: `/orders/${id}`,
          body: { version: 1, lines },
        })
        asked.push({ key: `${name}-cancel`, method: 'DELETE', path: `/orders/${id}?version=2` })
        const told = [placed]
        for (const one of asked) told.push(await ask(url, one))
        return { asked: [{ key: `${name}-place`, body: orderOf(userId) }, ...asked], told }
      }

      const clients = await Promise.all(times(24, client))
      const repeats = await Promise.all(
        clients.flatMap(({ asked }) => asked).map((asked) => ask(url, asked)),
      )

      const told = clients.flatMap((one) => one.told)
      expect(commits).toBeGreaterThanOrEqual(6)
      expect(statusCounts(told)).toEqual({ 201: 24, 200: 48 })
      expect(repeats.map(({ answer }) => answer)).toEqual(told.map(({ answer }) => answer))
      expect(await tracesOf(database.pool)).toEqual({ orders: 24, commands: 72, messages: 72 })
      const { rows } = await database.pool.query('select distinct version, status from orders')
      expect(rows).toEqual([{ version: 3, status: 'cancelled' }])
    },
  )

  it('whatever is tried: the effect is said to be unknown, and the retry tells', async () => {
    const database = await testDatabase(migrations)
    let isCutting = true
    const proxy = await startProxy(database, (message) =>
      isCutting && isCommit(message) ? 'cut-after' : 'pass',
    )
    const pool = createPool({ connection: { ...database.connection, ...proxy } })
    onTestFinished(() => pool.end())
    const store = postgresStore(pool, { unknownMaxMs: 200 })
    const orders = createOrders({ pool, currency: 'EUR', executor: { store } })
    onTestFinished(() => orders.stop())
    const url = await serve(orders)
    const body = orderOf(freshId())
    const all = times(40, (n) => ({ key: `key-${n}`, body }))

    const first = await Promise.all(all.map((asked) => ask(url, asked)))
    isCutting = false
    const retries = await Promise.all(all.map((asked) => ask(url, asked)))

    expect(statusCounts(first)).toEqual({ 503: 40 })
    expect(new Set(first.map((told) => bodyOf(told).effect))).toEqual(new Set(['unknown']))
    expect(statusCounts(retries)).toEqual({ 201: 40 })
    expect(retries.filter(({ replayed }) => !replayed)).toEqual([])
    expect(await tracesOf(database.pool)).toEqual({ orders: 40, commands: 40, messages: 40 })
  })
})
