import { commandId, type Message, messageId, serviceScope } from '@semel/commands'
import { type Pool, transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend, partitionOf, topicMigrations } from '@semel/topics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const scope = serviceScope('writer')
const append = outboxAppend({ wide: 4 })

describe('messages that are appended to the outbox', () => {
  it('get consecutive positions in the order given, by topic and partition', async () => {
    const { pool } = await testDatabase([topicMigrations])

    await transaction(pool, (tx) => append(tx, [told('a', 1), told('b', 2), told('a', 3)]))
    await transaction(pool, (tx) => append(tx, [told('a', 4)]))

    expect(await positions(pool)).toEqual(['a/0/0: 1', 'a/0/1: 3', 'a/0/2: 4', 'b/0/0: 2'])
  })

  it('leave nothing, not even a gap, when their transaction is rolled back', async () => {
    const { pool } = await testDatabase([topicMigrations])
    const failing = transaction(pool, async (tx) => {
      await append(tx, [told('a', 1)])
      throw new Error('changed its mind')
    })

    await expect(failing).rejects.toThrow('changed its mind')
    await transaction(pool, (tx) => append(tx, [told('a', 2)]))

    expect(await positions(pool)).toEqual(['a/0/0: 2'])
  })

  it('become visible in the order of their positions, whoever writes them', async () => {
    const { pool, anotherPool } = await testDatabase([topicMigrations])
    const writers = Array.from({ length: 4 }, () => anotherPool({ connectionsMax: 1 }))
    const perWriter = 150
    let reading = true
    const seen: number[] = []
    const readOnce = async () => {
      const { rows } = await pool.query(
        "select position from outbox where topic = 'a' and position >= $1 order by position",
        [seen.length],
      )
      seen.push(...rows.map(({ position }) => position))
    }
    const read = async () => {
      while (reading) await readOnce()
      await readOnce()
    }
    const reader = read()

    await Promise.all(
      writers.map(async (writer) => {
        for (let n = 0; n < perWriter; n += 1) {
          await transaction(writer, (tx) => append(tx, [told('a', n), told('b', n)]))
        }
      }),
    )
    reading = false
    await reader

    expect(seen).toEqual(Array.from({ length: 4 * perWriter }, (_, index) => index))
  })

  it('of one key share a partition, whatever came before', async () => {
    const { pool } = await testDatabase([topicMigrations])
    const keys = ['ann', 'bob', 'cas', 'dee', 'eve', 'fay']

    await transaction(pool, (tx) =>
      append(
        tx,
        [...keys, ...keys].map((key, n) => ({ ...told('wide', n), partitionKey: key })),
      ),
    )

    const { rows } = await pool.query(
      'select partition_key as key, array_agg(distinct partition) as p from outbox group by 1',
    )
    for (const { key, p } of rows) expect(p).toEqual([partitionOf(key, 4)])
    expect(new Set(keys.map((key) => partitionOf(key, 4))).size).toBeGreaterThan(1)
  })
})

describe('batches of messages', () => {
  it('put each where it would stand had it been appended by itself', async () => {
    const { pool } = await testDatabase([topicMigrations])
    const to = fc.record({ topic: fc.constantFrom('wide', 'a', 'é', '"{,}'), key: fc.string() })
    const written = new Map<string, number[]>()
    let count = 0

    await fc.assert(
      fc.asyncProperty(fc.array(to, { maxLength: 30 }), async (places) => {
        const messages = places.map(({ topic, key }) => {
          count += 1
          return { ...told(topic, count), partitionKey: key.replaceAll('\0', '') }
        })
        for (const { topic, partitionKey, body } of messages) {
          const name = `${topic}/${topic === 'wide' ? partitionOf(partitionKey, 4) : 0}`
          written.set(name, [...(written.get(name) ?? []), body as number])
        }

        await transaction(pool, (tx) => append(tx, messages))
      }),
      { numRuns: 20 },
    )

    const expected = [...written].flatMap(([name, bodies]) =>
      bodies.map((body, position) => `${name}/${position}: ${body}`),
    )
    expect((await positions(pool)).sort()).toEqual(expected.sort())
  })

  it('that name their topics in opposite orders meet without a deadlock', async () => {
    const { anotherPool } = await testDatabase([topicMigrations])
    const topics = Array.from({ length: 40 }, (_, n) => `topic ${n}`)
    const orders = [topics, topics.toReversed()]

    const writers = orders.map(async (names) => {
      const pool = anotherPool({ connectionsMax: 1 })
      for (let n = 0; n < 50; n += 1) {
        const messages = names.map((name) => told(name, n))
        // A deadlock would be the one conflict that ends it.
        await transaction(pool, (tx) => append(tx, messages), { conflictsMax: 1 })
      }
    })

    await expect(Promise.all(writers)).resolves.toHaveLength(2)
  })
})

function told(topic: string, n: number): Message {
  const command = commandId(scope, 'tell', `h:${crypto.randomUUID()}`)
  return {
    topic,
    partitionKey: 'k',
    type: 'told',
    body: n,
    id: messageId(command, 0, new Date(0)),
    source: 'tellers',
    time: new Date(0),
    scope,
    commandId: command,
  }
}

async function positions(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query(
    "select topic || '/' || partition || '/' || position || ': ' || body as row from outbox order by topic, partition, position",
  )
  return rows.map(({ row }) => row)
}
