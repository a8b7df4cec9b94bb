import { DatabaseUnavailable, type Pool, transaction } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import { resetPosition, sweepOutbox, topicMigrations } from '@semel/topics'
import { type PostgresTransportOptions, postgresTransport } from '@semel/topics/postgres'
import { numberOf, patience, readUntil, readWith, told } from '@semel/topics/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const dayMs = 24 * 60 * 60 * 1000
const toldAt = told('a', 'k', 0).time

describe('reading the outbox', () => {
  it('loses nothing and keeps the order while four writers write', async () => {
    const { database, transport } = await open()
    const reader = readWith(transport, 'g', 'a', { batchSizeMax: 16 })
    const writers = Array.from({ length: 4 }, () => database.anotherPool({ connectionsMax: 1 }))
    const perWriter = 150

    await Promise.all(
      writers.map(async (pool) => {
        for (let n = 0; n < perWriter; n += 1) {
          const messages = [told('a', 'k', n), told('b', 'k', n), told('a', 'k', n)]
          await transaction(pool, (tx) => transport.append(tx, messages))
          if (n % 3 === 0) transport.told(messages)
        }
      }),
    )

    const count = 2 * 4 * perWriter
    await vi.waitFor(() => expect(reader.seen).toHaveLength(count), patience)
    expect(reader.seen.map(({ position }) => position)).toEqual([...Array(count).keys()])
  })

  it('takes no more bytes into a batch than allowed, but always one message', async () => {
    const { transport } = await open({ batchBytesMax: 2500 })
    const bodies = ['x'.repeat(1000), 'x'.repeat(1000), 'x'.repeat(1000), 'x'.repeat(9000), 'x']
    await transport.publish(bodies.map((body, n) => ({ ...told('a', 'k', n), body })))

    const { batches } = await readUntil(transport, 'g', 'a', 5)

    expect(batches.map((batch) => batch.length)).toEqual([2, 1, 1, 1])
  })

  it('goes by the primary key, also when it was prepared on an empty table', async () => {
    const { database } = await open()
    const pool = database.anotherPool({ connectionsMax: 2 })
    const transport = postgresTransport({ pool, ownMs: 50 })
    onTestFinished(() => transport.close())
    const { stop } = transport.consume('g', ['a'], async () => {})
    onTestFinished(stop)
    await transport.publish([told('a', 'k', 1)])
    await sweepOutbox(pool)
    await database.pool.query(
      `insert into outbox (topic, partition, position, id, partition_key, type, source, time,
                           scope, command_id, body)
       select 'a', 0, n, gen_random_uuid(), 'k', 't', 's', now(), 's', gen_random_uuid(), '1'
         from generate_series(1000, 20000) n`,
    )

    const plans = await vi.waitFor(async () => {
      const ours = (await preparedPlans(pool)).filter(({ name }) =>
        ['read-page', 'read-heads', 'delete-passed'].includes(name),
      )
      expect(ours).toHaveLength(3)
      return ours
    }, patience)

    expect(plans.filter(({ plan }) => plan.includes('Seq Scan'))).toEqual([])
    const page = plans.find(({ name }) => name === 'read-page')?.plan
    expect(page).toContain('Index Scan using outbox_pkey')
    expect(page).not.toContain('Sort')
  })
})

describe('publishing', () => {
  it('lets a message that cannot be written fail alone', async () => {
    const { transport } = await open()

    const ends = await Promise.allSettled([
      transport.publish([told('a', 'k', 1)]),
      transport.publish([{ ...told('a', 'k', 2), partitionKey: 'nul\u0000' }]),
      transport.publish([told('a', 'k', 3)]),
    ])

    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const { seen } = await readUntil(transport, 'g', 'a', 2)
    expect(seen.map(numberOf)).toEqual([1, 3])
  })

  it('refuses more than it may keep waiting, and after its end', async () => {
    const { transport } = await open({ publishLimits: { queueMax: 2 } })

    const taken = transport.publish([told('a', 'k', 1), told('a', 'k', 2)])
    await expect(transport.publish([told('a', 'k', 3)])).rejects.toThrow(DatabaseUnavailable)
    await taken
    await transport.publish([told('a', 'k', 4)])
    await transport.close()

    await expect(transport.publish([told('a', 'k', 5)])).rejects.toThrow('closed')
    expect(() => transport.consume('g', ['a'], async () => {})).toThrow('closed')
  })

  it('refuses more bytes than it may keep waiting, and has room again afterwards', async () => {
    const { transport } = await open({ publishLimits: { queueBytesMax: 3000 } })
    const large = (n: number) => ({ ...told('a', 'k', n), body: 'x'.repeat(1400) })

    const taken = [transport.publish([large(1)]), transport.publish([large(2)])]
    const refused = transport.publish([large(3)])

    await expect(refused).rejects.toMatchObject({ code: 'unavailable', effect: 'none' })
    await Promise.all(taken)
    await transport.publish([large(4), large(5)])
    const { seen } = await readUntil(transport, 'g', 'a', 4)
    expect(seen).toHaveLength(4)
  })

  it('refuses in time what waits behind a transaction that hangs, and never sends it', async () => {
    const { database, transport } = await open({ publishLimits: { queueWaitMaxMs: 20 } })
    await transport.publish([told('a', 'k', 1)])
    const { promise: hanging, resolve: begin } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const holding = transaction(database.pool, async (tx) => {
      await tx.query({ text: "select from heads where topic = 'a' for update" })
      begin()
      await released
    })
    await hanging
    const running = transport.publish([told('a', 'k', 2)])
    // Only when its transaction has begun does the next one wait in the queue.
    await vi.waitFor(async () => expect(await waitingForLocks(database.pool)).toBe(1), patience)

    const waiting = await Promise.allSettled(
      [3, 4].map((n) => transport.publish([told('a', 'k', n)])),
    )
    release()
    await Promise.all([holding, running])
    await transport.publish([told('a', 'k', 5)])

    const refused = { status: 'rejected', reason: { code: 'unavailable', effect: 'none' } }
    expect(waiting).toMatchObject([refused, refused])
    const { seen } = await readUntil(transport, 'g', 'a', 3)
    expect(seen.map(numberOf)).toEqual([1, 2, 5])
  })
})

describe('retention', () => {
  const sweepAt = (ageMs: number, more = {}) => ({
    clock: () => new Date(toldAt.getTime() + ageMs),
    pauseMs: 0,
    ...more,
  })

  it('drops what is old and read by every group, and nothing else', async () => {
    const { database, transport } = await open()
    await transport.publish([1, 2, 3].map((n) => told('a', 'k', n)))
    await (await readUntil(transport, 'fast', 'a', 3)).stop()
    const slow = readWith(transport, 'slow', 'a', { batchSizeMax: 1 }, async () => {
      if (slow.batches.length > 2) throw new Error('stuck')
    })
    await vi.waitFor(() => expect(slow.batches.length).toBeGreaterThan(3), patience)
    await slow.stop()

    expect(await sweepOutbox(database.pool, sweepAt(7 * dayMs))).toBe(0)
    expect(await sweepOutbox(database.pool, sweepAt(8 * dayMs))).toBe(2)

    const { seen } = await readUntil(transport, 'slow', 'a', 1)
    expect(seen.map(numberOf)).toEqual([3])
  })

  it('keeps what no group reads, and waits for one that has only ever begun', async () => {
    const { database, transport } = await open({ partitions: { a: 7 } })
    const begun = transport.consume('begun', ['a'], async () => {})
    await vi.waitFor(async () => {
      const { rowCount } = await database.pool.query('select from positions')
      expect(rowCount).toBe(1)
    }, patience)
    await begun.stop()
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    await transport.publish(keys.flatMap((key, n) => [told('a', key, n), told('unread', key, n)]))
    await (await readUntil(transport, 'fast', 'a', keys.length)).stop()

    expect(await sweepOutbox(database.pool, sweepAt(30 * dayMs))).toBe(0)

    const { seen } = await readUntil(transport, 'begun', 'a', keys.length)
    expect(seen).toHaveLength(keys.length)
  })

  it('goes in small batches, and a reset to before what it left reads the rest', async () => {
    const { database, transport } = await open()
    await transport.publish([1, 2, 3, 4, 5].map((n) => told('a', 'k', n)))
    await (await readUntil(transport, 'g', 'a', 5)).stop()

    const once = sweepAt(8 * dayMs, { batchSizeMax: 2, batchesMax: 1 })
    expect(await sweepOutbox(database.pool, once)).toBe(2)
    await resetPosition(database.pool, { group: 'g', topic: 'a', partition: 0, to: 0 })

    const { seen, stop } = await readUntil(transport, 'g', 'a', 3)
    expect(seen.map(numberOf)).toEqual([3, 4, 5])
    await stop()
    expect(await sweepOutbox(database.pool, sweepAt(8 * dayMs, { batchSizeMax: 2 }))).toBe(3)
  })
})

async function open(options: Partial<PostgresTransportOptions> = {}) {
  const database = await testDatabase([topicMigrations])
  const transport = postgresTransport({ pool: database.anotherPool(), ownMs: 200, ...options })
  onTestFinished(() => transport.close())
  return { database, transport }
}

async function waitingForLocks(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select count(*) as number from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].number
}
