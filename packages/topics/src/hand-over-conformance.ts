import { expect, it, vi } from 'vitest'
import type { PartitionCounts } from './append.ts'
import { freshTopic, patience, readUntil, readWith, told } from './testing.ts'
import type { OutboxTransport, Transport } from './transport.ts'

/** Topics, and views of them as several processes have them. */
export interface Topics {
  /** A transport as another process has it, with its own opinion of partition counts. */
  transport(partitions?: PartitionCounts): Transport
  close(): Promise<void>
}

/** Topics that are an outbox. */
export interface OutboxTopics<Tx> extends Topics {
  transport(partitions?: PartitionCounts): OutboxTransport<Tx>
  /** Commits a transaction on the database that they share. */
  commit(work: (tx: Tx) => Promise<void>): Promise<void>
}

/** Of the suite: what is told in a transaction is handed over, or found by the poll. */
export function handsOver<Tx>(topics: OutboxTopics<Tx>): void {
  it('come, handed over by who told them or read, in the order of their commits', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const reader = readWith(transport, 'g', topic, { batchSizeMax: 2 })
    const sent = Array.from({ length: 12 }, (_, n) => [
      told(topic, 'k', 2 * n),
      told(topic, 'k', 2 * n + 1),
    ])

    for (const [index, messages] of sent.entries()) {
      await topics.commit((tx) => transport.append(tx, messages))
      // Of some nobody is told: what follows them is handed over with a gap before it.
      if (index % 3 !== 1) transport.told(messages)
    }

    await vi.waitFor(() => expect(reader.seen).toHaveLength(24), patience)
    expect(reader.numbers()).toEqual(Array.from({ length: 24 }, (_, n) => n))
    const late = await readUntil(topics.transport(), 'late', topic, 24)
    expect(reader.seen).toEqual(late.seen)
    for (const batch of reader.batches) expect(batch.length).toBeLessThanOrEqual(2)
  })

  it('reach readers in another process than the one that is told', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const reader = readWith(topics.transport(), 'g', topic)
    await transport.publish([told(topic, 'k', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)
    const messages = [told(topic, 'k', 2)]

    await topics.commit((tx) => transport.append(tx, messages))
    transport.told(messages)

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), patience)
  })

  it('are not there while their transaction is open, nor when it is rolled back', async () => {
    const transport = topics.transport()
    const topic = freshTopic()
    const reader = readWith(transport, 'g', topic)
    const after = [told(topic, 'k', 2)]

    const rolledBack = topics.commit(async (tx) => {
      await transport.append(tx, [told(topic, 'k', 1)])
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    await topics.commit((tx) => transport.append(tx, after))
    transport.told(after)

    await vi.waitFor(() => expect(reader.numbers()).toEqual([2]), patience)
    expect(reader.seen[0]!.position).toBe(0)
  })
}
