import type { Delivered } from '@semel/topics'
import { expect, it, onTestFinished } from 'vitest'
import { startPartitionReader } from '../src/partition-reader.ts'

const limits = { rowsMax: 4, bytesMax: 1000 }

it('waits between batches that have room, and behind a full one not, if it was handed or read', async () => {
  const log = Array.from({ length: 18 }, (_, position) => messageAt(position))
  const steps: string[] = []
  const ended = Promise.withResolvers<void>()
  const reader = startPartitionReader({
    start: { position: 0, generation: 1 },
    read: async (from) => {
      const messages = log.slice(from, from + limits.rowsMax)
      return { messages, hasMore: from + limits.rowsMax < log.length }
    },
    commit: () => {},
    onBatch: async (batch) => {
      steps.push(`${batch.length}`)
      // Handed while the first batch is worked on: what follows it, three and a half batches.
      if (steps.length === 1) reader.wake(log.slice(4))
      if (batch.at(-1) === log.at(-1)) ended.resolve()
    },
    report: (error) => ended.reject(error),
    batchIntervalMs: 100,
    limits,
    wait: async () => void steps.push('wait'),
  })
  onTestFinished(() => reader.stop())

  await ended.promise

  expect(steps).toEqual(['4', '4', '4', '4', '2'])
})

it('takes what it was handed without reading it, and reads what was not handed', async () => {
  const log = Array.from({ length: 7 }, (_, position) => messageAt(position))
  const read: number[] = []
  const taken: number[] = []
  const ended = Promise.withResolvers<void>()
  const reader = startPartitionReader({
    start: { position: 0, generation: 1 },
    read: async (from) => {
      read.push(from)
      // The first three are there at first, then all of them.
      return { messages: log.slice(from, from === 0 ? 3 : log.length), hasMore: false }
    },
    commit: () => {},
    onBatch: async (batch) => {
      taken.push(...batch.map(({ position }) => position))
      if (taken.length === 3) reader.wake(log.slice(3, 5))
      if (taken.length === 5) reader.wake(log.slice(6))
      if (taken.length === 7) ended.resolve()
    },
    report: (error) => ended.reject(error),
    limits,
  })
  onTestFinished(() => reader.stop())

  await ended.promise

  expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(read).toEqual([0, 5])
})

function messageAt(position: number): Delivered {
  return { topic: 'a', partition: 0, position, partitionKey: 'k', body: '1' }
}
