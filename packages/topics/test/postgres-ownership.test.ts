import { type Pool, transaction } from '@semel/postgres'
import { startFaultProxy } from '@semel/postgres/fault-proxy'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { listPositions, resetPosition, topicMigrations } from '@semel/topics'
import { type PostgresTransportOptions, postgresTransport } from '@semel/topics/postgres'
import { patience, readUntil, readWith, told } from '@semel/topics/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { killOwners, ownersOf } from './owners.ts'

const minuteMs = 60_000

describe('consumers that share a database', () => {
  it('take over within seconds when the connection of the owner is killed', async () => {
    const database = await testDatabase([topicMigrations])
    const errors: unknown[] = []
    const one = transportOn(database, { report: (error) => errors.push(error) })
    const two = transportOn(database)
    await one.publish([told('a', 'k', 1)])
    const hanging = Promise.withResolvers<void>()
    const first = readWith(one, 'g', 'a', {}, () => hanging.promise)
    onTestFinished(() => hanging.resolve())
    await vi.waitFor(() => expect(first.numbers()).toEqual([1]), patience)
    const second = readWith(two, 'g', 'a')
    const killedAt = performance.now()

    await killOwners(database.pool)

    await vi.waitFor(() => expect(second.numbers()).toEqual([1]), patience)
    expect(performance.now() - killedAt).toBeLessThan(5000)
    hanging.resolve()
    await two.publish([told('a', 'k', 2)])
    await vi.waitFor(() => expect(second.numbers()).toEqual([1, 2]), patience)
    expect(first.numbers()).toEqual([1])
    expect(errors.length).toBeGreaterThan(0)
  })

  it('claim again what they have lost with their connection', async () => {
    const database = await testDatabase([topicMigrations])
    const transport = transportOn(database)
    const reader = readWith(transport, 'g', 'a')
    await transport.publish([told('a', 'k', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)
    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(1), patience)

    await killOwners(database.pool)
    await transport.publish([told('a', 'k', 2)])

    await vi.waitFor(() => expect(new Set(reader.numbers())).toEqual(new Set([1, 2])), patience)
    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(2), patience)
  })

  it('go on when all their connections break, again and again', async () => {
    const database = await testDatabase([topicMigrations])
    const { host, port = 5432 } = database.connection
    const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
    const proxy = await startFaultProxy(target, () => 'pass')
    const pool = database.anotherPool({
      connection: { ...database.connection, host: '127.0.0.1', port: proxy.port },
    })
    const transport = postgresTransport({ pool, ownMs: 100, pollMs: 20 })
    onTestFinished(async () => {
      await transport.close()
      await proxy.close()
    })
    const writer = transportOn(database)
    const reader = readWith(transport, 'g', 'a')

    for (let n = 0; n < 5; n += 1) {
      await writer.publish([told('a', 'k', n)])
      await vi.waitFor(() => expect(reader.numbers()).toContain(n), patience)
      proxy.cutAll()
    }

    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(5), patience)
  })

  it('ask with one statement a poll for all that they read, however many partitions', async () => {
    const database = await testDatabase([topicMigrations])
    const pool = database.anotherPool()
    const transport = postgresTransport({ pool, pollMs: 5, partitions: { a: 7 }, ownMs: minuteMs })
    onTestFinished(() => transport.close())
    const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`)
    await transport.publish(keys.map((key, n) => told('a', key, n)))
    const names: unknown[] = []
    const query = pool.query.bind(pool)
    pool.query = ((statement: { name: string; text: string }) => {
      names.push(statement.name)
      return query(statement)
    }) as typeof pool.query
    const polls = () => names.filter((name) => name === 'read-heads').length
    const reads = () => names.filter((name) => name === 'read-page').length
    await readUntil(transport, 'g', 'a', keys.length)
    await vi.waitFor(
      async () => expect(lagsOf(await listPositions(database.pool))).toBe(0),
      patience,
    )
    const [pollsBefore, readsBefore] = [polls(), reads()]

    await vi.waitFor(() => expect(polls()).toBeGreaterThan(pollsBefore + 10), patience)

    expect(reads()).toBe(readsBefore)
  })

  it('leave nothing behind when they stop: no lock, and no connection', async () => {
    const database = await testDatabase([topicMigrations])
    const pool = database.anotherPool()
    const transport = postgresTransport({ pool })
    const count = 25
    await transport.publish(Array.from({ length: count }, (_, n) => told('a', 'k', n)))
    const stopped = Promise.withResolvers<void>()
    const reader = readWith(transport, 'g', 'a', { batchSizeMax: 1 }, async () => {
      if (reader.batches.length === count) stopped.resolve(reader.stop())
    })

    await stopped.promise

    // The transport's own poll may be on its way; it gives its connection back.
    await vi.waitFor(() => expect(pool.idleCount).toBe(pool.totalCount), patience)
    await vi.waitFor(async () => expect(await ownersOf(database.pool)).toEqual([]), patience)
    expect(await positionOf(database.pool)).toBe(count)
  })
})

describe('a message', () => {
  it('wakes the readers of its own process without a poll', async () => {
    const database = await testDatabase([topicMigrations])
    const transport = transportOn(database, { pollMs: minuteMs, partitions: { a: 3 } })
    const reader = readWith(transport, 'g', 'a')
    await transport.publish([told('a', 'first', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)

    const messages = [told('a', 'first', 2), told('a', 'of another partition', 3)]
    await transaction(database.pool, (tx) => transport.append(tx, messages))
    transport.told(messages)

    await vi.waitFor(() => expect(reader.numbers().toSorted()).toEqual([1, 2, 3]), patience)
  })

  it('reaches other processes by their poll', async () => {
    const database = await testDatabase([topicMigrations])
    const reader = readWith(transportOn(database, { pollMs: 20 }), 'g', 'a')
    const writer = transportOn(database)
    await writer.publish([told('a', 'k', 1)])
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1]), patience)

    await writer.publish([told('a', 'k', 2)])

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), patience)
  })
})

describe('a position that an operator resets', () => {
  it('lets an idle reader read again from there', async () => {
    const database = await testDatabase([topicMigrations])
    const transport = transportOn(database)
    await transport.publish([1, 2, 3].map((n) => told('a', 'k', n)))
    const reader = await readUntil(transport, 'g', 'a', 3)
    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(3), patience)

    const to = { group: 'g', topic: 'a', partition: 0, to: 1 }
    expect(await resetPosition(database.pool, to)).toEqual({ position: 1, generation: 2 })

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 3, 2, 3]), patience)
    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(3), patience)
  })

  it('is not undone by a batch that was running meanwhile', async () => {
    const database = await testDatabase([topicMigrations])
    const transport = transportOn(database, { pollMs: minuteMs })
    await transport.publish([1, 2].map((n) => told('a', 'k', n)))
    const running = Promise.withResolvers<void>()
    const again = Promise.withResolvers<void>()
    const reader = readWith(transport, 'g', 'a', { batchSizeMax: 1 }, async () => {
      if (reader.batches.length === 2) await running.promise
      if (reader.batches.length > 2) await again.promise
    })
    onTestFinished(() => running.resolve())
    onTestFinished(() => again.resolve())
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2]), patience)

    await resetPosition(database.pool, { group: 'g', topic: 'a', partition: 0, to: 0 })
    running.resolve()

    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 1]), patience)
    expect(await positionOf(database.pool)).toBe(0)
    again.resolve()
    await vi.waitFor(() => expect(reader.numbers()).toEqual([1, 2, 1, 2]), patience)
    await vi.waitFor(async () => expect(await positionOf(database.pool)).toBe(2), patience)
  })

  it('is refused where it makes no sense, and beyond the end', async () => {
    const database = await testDatabase([topicMigrations])
    const { pool } = database
    const transport = transportOn(database)
    await transport.publish([told('a', 'k', 1)])
    await (await readUntil(transport, 'g', 'a', 1)).stop()
    const at = { group: 'g', topic: 'a', partition: 0 }

    await expect(resetPosition(pool, { ...at, to: -1 })).rejects.toThrow(RangeError)
    await expect(resetPosition(pool, { ...at, to: 0.5 })).rejects.toThrow(RangeError)
    expect(await resetPosition(pool, { ...at, group: 'nobody', to: 0 })).toBeUndefined()
    await expect(resetPosition(pool, { ...at, to: 2 })).rejects.toThrow(
      new RangeError('a/0 ends at 1: there is no position 2'),
    )
    expect(await resetPosition(pool, { ...at, to: 1 })).toEqual({ position: 1, generation: 2 })
  })

  it('is listed with the end of its partition and the lag', async () => {
    const database = await testDatabase([topicMigrations])
    const transport = transportOn(database, { partitions: { a: 2 } })
    await transport.publish([told('a', 'first', 1), told('a', 'of another partition', 2)])
    await (await readUntil(transport, 'g', 'a', 2)).stop()
    await transport.publish([told('a', 'first', 3)])

    const at = { group: 'g', topic: 'a', generation: 1 }
    const listed = await listPositions(database.pool)

    expect(listed.map(({ lag }) => lag).toSorted()).toEqual([0, 1])
    expect(listed).toContainEqual({ ...at, partition: 0, position: 1, ...headAndLag(listed, 0) })
    expect(listed).toContainEqual({ ...at, partition: 1, position: 1, ...headAndLag(listed, 1) })
  })
})

function lagsOf(listed: readonly { lag: number }[]): number {
  return listed.reduce((sum, { lag }) => sum + lag, 0)
}

function headAndLag(listed: readonly { head: number; lag: number }[], index: number) {
  const { head, lag } = listed[index]!
  expect(head).toBe(1 + lag)
  return { head, lag }
}

function transportOn(
  database: Pick<TestDatabase, 'anotherPool'>,
  options: Partial<PostgresTransportOptions> = {},
) {
  const transport = postgresTransport({ pool: database.anotherPool(), ownMs: 200, ...options })
  onTestFinished(() => transport.close())
  return transport
}

async function positionOf(pool: Pool): Promise<number | undefined> {
  const [first] = await listPositions(pool)
  return first?.position
}
