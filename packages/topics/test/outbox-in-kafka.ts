import { transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { type Delivered, topicMigrations } from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { freshTopic, numberOf, type told } from '@semel/topics/testing'
import { expect, onTestFinished } from 'vitest'

export const keys = ['ann', 'bob', 'cas', 'dan', 'eve']

/** An outbox with a topic of two partitions, or as many as said. */
export async function openOutbox(partitions = 2) {
  const topic = freshTopic()
  const { pool, connection, anotherPool } = await testDatabase([topicMigrations])
  const another = () => {
    const options = { pool: anotherPool(), partitions: { [topic]: partitions }, ownMs: 100 }
    const transport = postgresTransport(options)
    onTestFinished(() => transport.close())
    return transport
  }
  const outbox = another()
  return {
    ...{ topic, pool, connection, outbox },
    /** A view of it, as another process has it. */
    another,
    async commit(messages: readonly ReturnType<typeof told>[], isRolledBack = false) {
      await transaction(pool, async (tx) => {
        await outbox.append(tx, messages)
        if (isRolledBack) throw new Error('no')
      })
      outbox.told(messages)
    },
  }
}

/** Of each key all numbers, in their order, by their first copies. */
export function expectInOrder(seen: readonly Delivered[], count: number): void {
  const firsts = seen.filter(({ id }, index) => seen.findIndex((one) => one.id === id) === index)
  for (const key of keys) {
    const own = firsts.filter(({ partitionKey }) => partitionKey === key)
    expect(own.map(numberOf)).toEqual(Array.from({ length: count }, (_, n) => n))
  }
}
