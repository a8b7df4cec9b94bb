import { told } from '@semel/topics/testing'
import { expect, it } from 'vitest'
import { kafkaPartition, type Stretch } from '../src/kafka-partition.ts'
import { carriedOf, recordOf } from '../src/kafka-record.ts'

/** Records from one position up to another, of a partition that ends at `end`. */
function stretch(from: number, next: number, end: number): Stretch {
  const records = Array.from({ length: next - from }, (_, index) => {
    const { headers, ...record } = recordOf(carriedOf(told('billing', 'ann', from + index)))
    return { ...record, headers: [...headers], position: from + index }
  })
  return { from, records, next, end }
}

/** A partition whose fetches give these stretches in turn, and where they were asked for. */
function partitionOf(...stretches: Stretch[]) {
  const asked: number[] = []
  const fetch = async (from: number) => {
    asked.push(from)
    return stretches.shift()!
  }
  const at = { topic: 'DEV_billing', partition: 0 }
  return { asked, partition: kafkaPartition(at, fetch, { batchSizeMax: 2, topic: 'billing' }) }
}

const positionsOf = (page: { messages: readonly { position: number }[] }) =>
  page.messages.map(({ position }) => position)

it('what comes while a partition is still read is seen by the watch, and follows', async () => {
  const { asked, partition } = partitionOf(stretch(0, 3, 3))

  const first = await partition.read(0)
  expect(partition.watchedFrom()).toBe(3)
  partition.add(stretch(3, 4, 4))
  const second = await partition.read(2)

  expect([first, second].map(positionsOf)).toEqual([
    [0, 1],
    [2, 3],
  ])
  expect(second.hasMore).toBe(false)
  expect(asked).toEqual([0])
})

it('a reader that lags a batch is given no more to hold, and fetches what was left out', async () => {
  const { asked, partition } = partitionOf(stretch(0, 4, 4), stretch(4, 5, 5))
  await partition.read(0)

  partition.add(stretch(4, 5, 5))

  expect(partition.watchedFrom()).toBeUndefined()
  expect(await partition.read(2)).toMatchObject({ hasMore: true })
  expect(positionsOf(await partition.read(4))).toEqual([4])
  expect(asked).toEqual([0, 4])
  expect(partition.watchedFrom()).toBe(5)
})

it('what the watch saw of another place is not taken for what comes next', async () => {
  const { partition } = partitionOf(stretch(0, 1, 1), stretch(1, 3, 3))
  await partition.read(0)

  partition.add(stretch(2, 3, 3))

  expect(positionsOf(await partition.read(1))).toEqual([1, 2])
})
