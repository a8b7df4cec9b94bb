import { createOrders, migrations } from '@semel/orders'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf } from './client.ts'
import { until } from './product.ts'
import { serve } from './serve.ts'

/** Two replicas with a placed order, and an update of it that has to wait for the order's row. */
async function blockedUpdate(options: { statementTimeoutMs?: number } = {}) {
  const database = await testDatabase(migrations)
  const urls = [
    await startReplica(database, options),
    await startReplica(database, options),
  ] as const
  const placed = await ask(urls[0], { key: 'place', body: orderOf(freshId()) })
  const { id } = bodyOf(placed)
  const body = { version: 1, lines: orderOf(id, 7).lines }
  const update: Asked = { method: 'PUT', path: `/orders/${id}`, key: 'update', body }
  const holder = await database.pool.connect()
  await holder.query('begin')
  await holder.query('select from orders where id = $1 for update', [id])
  const letGo = async () => {
    await holder.query('commit')
    holder.release()
  }
  return { database, urls, update, letGo }
}

async function startReplica(
  database: TestDatabase,
  options: { statementTimeoutMs?: number },
): Promise<string> {
  const orders = createOrders({ pool: database.anotherPool(options), currency: 'EUR' })
  onTestFinished(() => orders.stop())
  return serve(orders)
}

/** Waits until so many transactions wait for somebody else's lock. */
function areWaiting({ pool }: TestDatabase, count: number): Promise<void> {
  return until(async () => {
    const { rows } = await pool.query(
      `select count(*)::integer as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].waiting === count
  })
}

async function versionIn({ pool }: TestDatabase): Promise<number[]> {
  return (await pool.query('select version from orders')).rows.map(({ version }) => version)
}

describe('a retry that comes while the first request still runs', () => {
  it('waits for its answer, in its own process and in another one', async () => {
    const { database, urls, update, letGo } = await blockedUpdate()

    const first = ask(urls[0], update)
    await areWaiting(database, 1)
    const retries = [ask(urls[0], update), ask(urls[1], update), ask(urls[1], update)]
    await areWaiting(database, 2)
    await letGo()
    const told = await Promise.all([first, ...retries])

    expect(told.map(({ answer }) => answer)).toEqual(Array(4).fill((await first).answer))
    expect(bodyOf(await first)).toMatchObject({ version: 2, message: 'order updated' })
    expect(told.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(await versionIn(database)).toEqual([2])
  })

  it('finds the work done whose client had given up', async () => {
    const { database, urls, update, letGo } = await blockedUpdate()
    const patience = new AbortController()

    const first = ask(urls[0], { ...update, signal: patience.signal })
    await areWaiting(database, 1)
    patience.abort()
    await expect(first).rejects.toThrow('abort')
    await letGo()
    const retry = await ask(urls[1], update)

    expect(retry.answer.status).toBe(200)
    expect(await ask(urls[0], update)).toEqual({ ...retry, replayed: true })
    expect(await versionIn(database)).toEqual([2])
  })

  it('is executed where the first one took too long, and was told that nothing happened', async () => {
    const { database, urls, update, letGo } = await blockedUpdate({ statementTimeoutMs: 200 })

    const first = await ask(urls[0], update)
    const versions = await versionIn(database)
    await letGo()
    const retry = await ask(urls[0], update)

    expect(bodyOf(first)).toMatchObject({ type: '/problems/unavailable', effect: 'none' })
    expect(Number(first.retryAfter)).toBeGreaterThan(0)
    expect(versions).toEqual([1])
    expect(retry).toMatchObject({ answer: { status: 200 }, replayed: false })
    expect(await versionIn(database)).toEqual([2])
  })
})
