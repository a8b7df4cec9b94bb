import { createOrders, migrations } from '@semel/orders'
import { createPool, migrate, type Pool } from '@semel/postgres'
import { startEmbedded } from '@semel/postgres/embedded'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import { newDataFolder } from './data-folder.ts'
import { tracesOf } from './replicas.ts'
import { serve } from './serve.ts'

async function startShop(pool: Pool): Promise<string> {
  const orders = createOrders({ pool, currency: 'EUR' })
  onTestFinished(() => orders.stop())
  return serve(orders)
}

describe('a PostgreSQL that hangs', () => {
  it('is waited for no longer than its limit; the same requests, sent again, tell what happened', async () => {
    const data = await newDataFolder()
    const postgres = await startEmbedded({ folder: data.path, explicit: true })
    onTestFinished(() => postgres.stop())
    const { connection } = postgres
    const pool = createPool({ connection, statementTimeoutMs: 100, connectTimeoutMs: 500 })
    onTestFinished(() => pool.end())
    await migrate(pool, migrations)
    const url = await startShop(pool)
    const body = orderOf(freshId())
    const requests = times(8, (n) => ({ key: `key-${n}`, body }))
    await ask(url, { key: 'first', body })

    for (const pid of data.pids()) process.kill(pid, 'SIGSTOP')
    const begunMs = performance.now()
    const told = await Promise.all(requests.map((asked) => ask(url, asked)))
    const tookMs = performance.now() - begunMs
    for (const pid of data.pids()) process.kill(pid, 'SIGCONT')
    const retries = await Promise.all(requests.map((asked) => ask(url, asked)))

    expect(statusCounts(told)).toEqual({ 503: 8 })
    expect(tookMs).toBeLessThan(10_000)
    for (const refused of told) expect(bodyOf(refused).effect).toMatch(/^(none|unknown)$/)
    expect(statusCounts(retries)).toEqual({ 201: 8 })
    expect(await tracesOf(data.pool())).toEqual({ orders: 9, commands: 9, messages: 9 })
  })
})

describe('a process that hangs in the middle of a transaction', () => {
  it('keeps others from its order for half of their time at most, and they are not refused', async () => {
    const database = await testDatabase(migrations)
    const limits = { statementTimeoutMs: 1000 }
    const url = await startShop(database.anotherPool(limits))
    const placed = await ask(url, { key: 'place', body: orderOf(freshId()) })
    const { id } = bodyOf(placed)
    const body = { version: 1, lines: orderOf(id, 7).lines }
    const update: Asked = { method: 'PUT', path: `/orders/${id}`, key: 'update', body }
    const hanging = await database.anotherPool(limits).connect()
    onTestFinished(() => hanging.release(true))
    await hanging.query('begin')
    await hanging.query('select from orders where id = $1 for update', [id])

    const told = await ask(url, update)

    expect(told.answer.status).toBe(200)
    expect(bodyOf(told).version).toBe(2)
    await expect(hanging.query('commit')).rejects.toThrow()
  })
})
