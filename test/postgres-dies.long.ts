import { startEmbedded } from '@semel/postgres/embedded'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, bodyOf, freshId, orderOf, statusCounts } from './client.ts'
import { newDataFolder } from './data-folder.ts'
import { type Load, repeatAll, startLoad } from './load.ts'
import { type Product, startProduct, until } from './product.ts'
import { tracesOf } from './replicas.ts'

describe('a PostgreSQL that is killed under load', () => {
  it('comes back by itself, and every order that was answered is there, once', async () => {
    const data = await newDataFolder()
    const product = await startProduct({ SEMEL_DATA: data.path })
    const load = startLoad(product.url, 32)

    await moreArePlaced(load, 200)
    process.kill(data.serverPid(), 'SIGKILL')
    await moreArePlaced(load, 1000)
    process.kill(data.serverPid(), 'SIGKILL')
    await moreArePlaced(load, 1000)
    await load.stop()

    expect(isRunning(product)).toBe(true)
    for (const told of load.refused.values()) {
      expect(told.answer.status).toBe(503)
      expect(bodyOf(told).effect).toMatch(/^(none|unknown)$/)
      expect(Number(told.retryAfter)).toBeGreaterThan(0)
    }
    const repeated = await repeatAll(product.url, load, [...load.placed.keys()].slice(-300))
    for (const [key, { answer, replayed }] of repeated) {
      expect({ answer, replayed }).toEqual({ answer: load.placed.get(key)!.answer, replayed: true })
    }
    const retried = await repeatAll(product.url, load, load.refused.keys())
    expect(Object.keys(statusCounts([...retried.values()]))).toEqual(
      load.refused.size ? ['201'] : [],
    )
    const keys = load.sent.size
    expect(await tracesOf(data.pool())).toEqual({ orders: keys, commands: keys, messages: keys })
  })
})

describe('a PostgreSQL that is away', () => {
  it('is told to clients as 503 without effect, and known answers are repeated meanwhile', async () => {
    const data = await newDataFolder()
    const start = () => startEmbedded({ folder: data.path, explicit: true })
    const postgres = await start()
    const product = await startProduct({ DATABASE_URL: postgres.url })
    const body = orderOf(freshId())
    const before = await ask(product.url, { key: 'before', body })

    await postgres.stop()
    const meanwhile = await ask(product.url, { key: 'meanwhile', body })
    const repeat = await ask(product.url, { key: 'before', body })
    await until(async () => (await fetch(`${product.url}/health/ready`)).status === 503)
    const live = await fetch(`${product.url}/health/live`)
    const query = await ask(product.url, { method: 'GET' })

    expect(meanwhile.answer.status).toBe(503)
    expect(bodyOf(meanwhile)).toMatchObject({ type: '/problems/unavailable', effect: 'none' })
    expect(Number(meanwhile.retryAfter)).toBeGreaterThan(0)
    expect(repeat).toEqual({ ...before, replayed: true })
    expect([live.status, query.answer.status]).toEqual([200, 503])

    const again = await start()
    onTestFinished(() => again.stop())
    await until(async () => (await fetch(`${product.url}/health/ready`)).status === 200)
    const retry = await ask(product.url, { key: 'meanwhile', body })

    expect(retry).toMatchObject({ answer: { status: 201 }, replayed: false })
    expect(await tracesOf(data.pool())).toEqual({ orders: 2, commands: 2, messages: 2 })
  })
})

describe('a product that is killed', () => {
  it.each(['with its PostgreSQL', 'alone'])(
    '%s starts again at once on the same data, and knows what it answered',
    async (how) => {
      const data = await newDataFolder()
      const first = await startProduct({ SEMEL_DATA: data.path })
      const load = startLoad(first.url, 16)
      await moreArePlaced(load, 300)

      process.kill(first.pid, 'SIGKILL')
      if (how !== 'alone') for (const pid of data.pids()) process.kill(pid, 'SIGKILL')
      await expect(load.stop()).rejects.toThrow()
      const second = await startProduct({ SEMEL_DATA: data.path })
      const repeated = await repeatAll(second.url, load, load.sent)

      expect(statusCounts([...repeated.values()])).toEqual({ 201: load.sent.size })
      for (const [key, { answer }] of load.placed) {
        expect(repeated.get(key)).toEqual({ answer, replayed: true, retryAfter: null })
      }
      const keys = load.sent.size
      expect(await tracesOf(data.pool())).toEqual({ orders: keys, commands: keys, messages: keys })
    },
  )
})

function isRunning({ pid }: Product): boolean {
  return process.kill(pid, 0)
}

function moreArePlaced({ placed }: Load, count: number): Promise<void> {
  const wanted = placed.size + count
  return until(async () => placed.size >= wanted)
}
