import { testDatabase } from '@semel/postgres/testing'
import { sweepOutbox, topicMigrations } from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { patience, readUntil, readWith, told } from '@semel/topics/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const dayMs = 24 * 60 * 60 * 1000
const now = new Date('2026-06-01T00:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * dayMs)
const toldAgo = (days: number, topic = 'a') => ({ ...told(topic, 'k', days), time: daysAgo(days) })

describe('the outbox', () => {
  it('keeps no copies of dead letters for readers that never were', async () => {
    const { database, transport } = await open()
    await transport.publish(['a', 'a_dead', 'b_dead'].map((topic) => toldAgo(8, topic)))
    await transport.publish([toldAgo(6, 'a_dead')])
    const behind = readWith(transport, 'g', 'b_dead', {}, () => Promise.reject(new Error('no')))
    await vi.waitFor(() => expect(behind.seen).not.toEqual([]), patience)
    await behind.stop()

    expect(await sweepOutbox(database.pool, { clock: () => now })).toBe(1)

    const { rows } = await database.pool.query('select topic, body from outbox order by topic')
    expect(rows).toEqual([
      { topic: 'a', body: '8' },
      { topic: 'a_dead', body: '6' },
      { topic: 'b_dead', body: '8' },
    ])
  })

  it('locks nothing that it does not drop', async () => {
    const { database, transport } = await open()
    await transport.publish([toldAgo(8), toldAgo(6), toldAgo(5)])
    await (await readUntil(transport, 'g', 'a', 3)).stop()

    expect(await sweepOutbox(database.pool, { clock: () => now })).toBe(1)

    const { rows } = await database.pool.query('select body from outbox where xmax = 0')
    expect(rows).toHaveLength(2)
  })

  it('is swept by two processes at once, each message by one of them', async () => {
    const { database, transport } = await open()
    await transport.publish(Array.from({ length: 200 }, () => toldAgo(8)))
    await (await readUntil(transport, 'g', 'a', 200)).stop()
    const pace = { clock: () => now, batchSizeMax: 5, pauseMs: 0 }

    const swept = [0, 0]
    for (let left = 200; left > 0; ) {
      const both = [database.anotherPool(), database.anotherPool()]
      const counts = await Promise.all(both.map((pool) => sweepOutbox(pool, pace)))
      counts.forEach((count, index) => {
        swept[index]! += count
        left -= count
      })
    }

    expect(swept[0]! + swept[1]!).toBe(200)
    expect((await database.pool.query('select from outbox')).rowCount).toBe(0)
  })
})

async function open() {
  const database = await testDatabase([topicMigrations])
  const transport = postgresTransport({ pool: database.anotherPool(), ownMs: 200 })
  onTestFinished(() => transport.close())
  return { database, transport }
}
