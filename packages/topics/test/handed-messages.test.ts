import { transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { type Delivered, outboxAppend, topicMigrations } from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { patience, readUntil, readWith, told } from '@semel/topics/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHandedMessages } from '../src/handed-messages.ts'
import { startPartitionReader } from '../src/partition-reader.ts'

function messages(from: number, to: number, body = '1'): Delivered[] {
  return Array.from({ length: to - from }, (_, index) => {
    return { topic: 'a', partition: 0, position: from + index, partitionKey: 'k', body }
  })
}

const positionsOf = (taken: readonly Delivered[]) => taken.map(({ position }) => position)

describe('messages that a reader is handed', () => {
  it('are taken in their order, a batch at a time', () => {
    const handed = createHandedMessages({ rowsMax: 2, bytesMax: 100 })

    expect(handed.add(messages(5, 7), 5)).toBe(true)
    expect(handed.add(messages(7, 8), 5)).toBe(true)

    expect(positionsOf(handed.take(5))).toEqual([5, 6])
    expect(positionsOf(handed.take(7))).toEqual([7])
    expect(handed.end()).toBe(0)
  })

  it('are left for the database where one before them is missing', () => {
    const handed = createHandedMessages()
    handed.add(messages(5, 7), 4)

    expect(handed.take(4)).toEqual([])
    expect(handed.end()).toBe(0)
    expect(handed.add([...messages(5, 6), ...messages(7, 8)], 5)).toBe(false)
    expect(handed.add(messages(5, 6), 5)).toBe(true)
    expect(handed.add(messages(7, 8), 5)).toBe(false)
  })

  it('are not taken twice where a reader has read some of them meanwhile', () => {
    const handed = createHandedMessages()
    handed.add(messages(5, 9), 5)

    expect(positionsOf(handed.take(7))).toEqual([7, 8])
    expect(handed.add(messages(5, 9), 9)).toBe(false)
  })

  it('are no more than four batches, nor more bytes than one may have', () => {
    const handed = createHandedMessages({ rowsMax: 2, bytesMax: 20 })

    expect(handed.add(messages(0, 9), 0)).toBe(false)
    expect(handed.add(messages(0, 2, 'é'.repeat(6)), 0)).toBe(false)
    expect(handed.add(messages(0, 8), 0)).toBe(true)
    expect(handed.add(messages(8, 9), 0)).toBe(false)
  })
})

describe('a reader', () => {
  it('reads only what it was not handed, and misses nothing', async () => {
    const log = messages(0, 30)
    const seen: number[] = []
    const reads: number[] = []
    const reader = startPartitionReader({
      start: { position: 0, generation: 1 },
      async read(from) {
        reads.push(from)
        return { messages: log.slice(from, Math.min(from + 10, 10)), hasMore: false }
      },
      commit: () => {},
      onBatch: async (batch) => void seen.push(...positionsOf(batch)),
      report: () => {},
    })
    onTestFinished(() => reader.stop())
    await vi.waitFor(() => expect(seen).toHaveLength(10), patience)
    const readsBefore = reads.length

    reader.wake(log.slice(10, 12))
    reader.wake(log.slice(12, 30))

    await vi.waitFor(() => expect(seen).toEqual([...Array(30).keys()]), patience)
    expect(reads).toHaveLength(readsBefore)
    expect(reader.sawHead(30)).toBe(false)
  })
})

describe('messages told in this process', () => {
  it('come as they would be read', async () => {
    const { transport } = await open()
    const odd = { ...told('a', 'k', 1), body: { text: '\ud800 é \u0000', list: [1, null] } }
    const traced = {
      ...told('a', 'k', 2),
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    }
    const handed = readWith(transport, 'handed', 'a')
    await transport.publish([told('a', 'k', 0)])
    await vi.waitFor(() => expect(handed.seen).toHaveLength(1), patience)

    await transport.publish([odd, traced])

    await vi.waitFor(() => expect(handed.seen).toHaveLength(3), patience)
    const { seen } = await readUntil(transport, 'reading', 'a', 3)
    expect(handed.seen).toEqual(seen)
  })

  it('keep their places when an attempt to commit them was undone', async () => {
    const { database, transport } = await open()
    const append = outboxAppend()
    const reader = readWith(transport, 'g', 'a')
    const mine = [told('a', 'k', 10), told('a', 'k', 11)]
    const others = [told('a', 'k', 0), told('a', 'k', 1), told('a', 'k', 2)]
    await transport.publish([told('a', 'k', 100)])
    await vi.waitFor(() => expect(reader.seen).toHaveLength(1), patience)
    let attempts = 0

    await transaction(database.pool, async (tx) => {
      attempts += 1
      await transport.append(tx, mine)
      if (attempts > 1) return
      const text = `do $$ begin raise exception 'lost' using errcode = '40001'; end $$`
      await tx.query({ text }).catch(() => undefined)
      await tx.query({ text: 'rollback' })
      // Behind the transport's back: only what it is told of now can show them.
      await transaction(database.pool, (other) => append(other, others))
    })
    transport.told(mine)

    await vi.waitFor(() => expect(reader.seen).toHaveLength(6), patience)
    expect(attempts).toBe(2)
    expect(positionsOf(reader.seen)).toEqual([0, 1, 2, 3, 4, 5])
    expect(new Set(reader.seen.map(({ id }) => id)).size).toBe(6)
  })
})

async function open() {
  const database = await testDatabase([topicMigrations])
  const pool = database.anotherPool({ connectionsMax: 4 })
  const transport = postgresTransport({ pool, ownMs: 50, pollMs: 60_000 })
  onTestFinished(() => transport.close())
  return { database, transport }
}
