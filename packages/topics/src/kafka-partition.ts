import type { TopicPartition } from './assign-partitions.ts'
import { deliveredFrom, type KafkaRecord } from './kafka-record.ts'
import type { Page } from './partition-reader.ts'
import type { Delivered } from './transport.ts'

/** A stretch of a partition, as a broker gives it. */
export type Stretch = Readonly<{
  /** Where it begins: not where it was asked for, if the broker has that no more. */
  from: number
  /** What lies before `from` may come with it. */
  records: readonly KafkaRecord[]
  /** Where it ends, whether its last positions have records or not. */
  next: number
  /** Where the partition ends. */
  end: number
}>

/** A partition, and what of it was fetched and not read yet: less than a batch, and one stretch. */
export interface KafkaPartition extends TopicPartition {
  /** One page, from what was fetched if that goes on there. */
  read(from: number): Promise<Page>
  /** Takes what the watch fetched, if it is what comes next and there is room for it. */
  add(stretch: Stretch): void
  /** Where news would be: the end, when all was fetched; undefined while there is more to fetch. */
  watchedFrom(): number | undefined
}

/**
 * Makes a view of a partition. `fetch` gives one record at least, if there is one, and no more than
 * memory is to hold. `topic`: what readers call it.
 */
export function kafkaPartition(
  at: TopicPartition,
  fetch: (from: number) => Promise<Stretch>,
  { batchSizeMax, topic }: Readonly<{ batchSizeMax: number; topic: string }>,
): KafkaPartition {
  const told = { topic, partition: at.partition }
  let fetched: readonly Delivered[] = []
  /** All that there is from here to `next` is in `fetched`. */
  let coveredFrom = 0
  let next = -1
  let end = 0

  function keep(before: readonly Delivered[], stretch: Stretch): void {
    const records = stretch.records.filter(({ position }) => position >= stretch.from)
    fetched = [...before, ...records.map((record) => deliveredFrom(told, record))]
    next = stretch.next
    end = Math.max(stretch.end, next)
  }

  return {
    ...at,
    async read(from) {
      const isCovered = from === coveredFrom && from <= next
      // Positions without a record, behind the last one that has one, are not asked for again.
      if (!isCovered || fetched.length === 0) {
        const stretch = await fetch(isCovered ? next : from)
        keep([], stretch)
        coveredFrom = stretch.from
      }
      const messages = fetched.slice(0, batchSizeMax)
      fetched = fetched.slice(messages.length)
      const last = messages.at(-1)
      coveredFrom = last === undefined ? Math.min(from, next) : last.position + 1
      return { messages, hasMore: fetched.length > 0 || next < end }
    },
    add(stretch) {
      if (next === stretch.from && fetched.length < batchSizeMax) keep(fetched, stretch)
      else end = Math.max(end, stretch.end)
    },
    watchedFrom: () => (next >= end ? next : undefined),
  }
}
