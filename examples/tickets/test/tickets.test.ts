import { createIdentify, createServer } from '@semel/http'
import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { createReadiness } from '@semel/runtime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTickets, migrations } from '../src/tickets.ts'

const ada = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const bob = '7f1c4a52-9f0e-4c8e-a7d1-2b6f0c9d4e10'

describe('a seat', () => {
  it('is free until somebody books it, and free again when they give it back', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, release, see } = await openHouse(pool)

    const before = await see('hamlet-b7')
    const booked = await book('hamlet-b7', ada, 'first')
    const between = await see('hamlet-b7')
    const released = await release('hamlet-b7', ada, 'second')
    const after = await see('hamlet-b7')

    expect(before).toMatchObject({ status: 200, body: { id: 'hamlet-b7', status: 'free' } })
    expect(booked).toMatchObject({ status: 200, body: { status: 'booked' } })
    expect(between.body).toEqual(booked.body)
    expect(released).toMatchObject({ status: 200, body: { status: 'free' } })
    expect(after.body).toEqual(before.body)
  })

  it('is refused to whoever comes second, and cannot be given back by them', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, release, see } = await openHouse(pool)
    await book('hamlet-b7', ada, 'first')

    const booked = await book('hamlet-b7', bob, 'second')
    const released = await release('hamlet-b7', bob, 'third')

    expect(booked).toMatchObject({ status: 409, body: { type: '/problems/seat-taken' } })
    expect(released).toMatchObject({ status: 409, body: { type: '/problems/seat-taken' } })
    expect((await see('hamlet-b7')).body).toMatchObject({ status: 'booked' })
  })

  it('goes to one of two people who book it at once, through two processes', async () => {
    const { pool, anotherPool } = await testDatabase(migrations)
    const [one, other] = [await openHouse(pool), await openHouse(anotherPool())]
    const seats = Array.from('abcdefgh', (row) => [`macbeth-${row}1`, `macbeth-${row}2`]).flat()

    const pairs = await Promise.all(
      seats.map((seat) =>
        Promise.all([one.book(seat, ada, `ada-${seat}`), other.book(seat, bob, `bob-${seat}`)]),
      ),
    )

    const statuses = pairs.map((pair) => pair.map(({ status }) => status).sort())
    expect(statuses).toEqual(seats.map(() => [200, 409]))
  })

  it('goes to one of two people who have waited for it together', async () => {
    const { pool, anotherPool } = await testDatabase(migrations)
    const [one, other] = [await openHouse(pool), await openHouse(anotherPool())]
    await one.book('hamlet-b7', ada, 'book')
    await one.release('hamlet-b7', ada, 'release')
    const giveWay = await holdSeat(pool, 'hamlet-b7')

    const both = Promise.all([
      one.book('hamlet-b7', ada, 'at-once'),
      other.book('hamlet-b7', bob, 'at-once-too'),
    ])
    await expect.poll(() => waitingIn(pool), { timeout: 10_000 }).toBe(2)
    await giveWay()

    expect((await both).map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it('exists only if the contract says so', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, see } = await openHouse(pool)

    const booked = await book('hamlet-z9', ada, 'first')
    const seen = await see('hamlet-z9')

    expect(booked).toMatchObject({ status: 400, body: { type: '/problems/request-invalid' } })
    expect(seen).toMatchObject({ status: 400 })
  })
})

describe('a booking', () => {
  it('gives a second request with the same key the first answer, whatever came between', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, release, see } = await openHouse(pool)

    const first = await book('hamlet-b7', ada, 'one')
    await release('hamlet-b7', ada, 'two')
    const second = await book('hamlet-b7', ada, 'one')

    expect(second.text).toBe(first.text)
    expect(second.status).toBe(first.status)
    expect(first.replayed).toBe(false)
    expect(second.replayed).toBe(true)
    expect((await see('hamlet-b7')).body).toMatchObject({ status: 'free' })
  })

  it('gives a refusal again, too, although the seat is free by now', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, release } = await openHouse(pool)
    await book('hamlet-b7', ada, 'one')
    const refused = await book('hamlet-b7', bob, 'two')
    await release('hamlet-b7', ada, 'three')

    const again = await book('hamlet-b7', bob, 'two')
    const anew = await book('hamlet-b7', bob, 'four')

    expect(again).toMatchObject({ status: 409, replayed: true, text: refused.text })
    expect(anew).toMatchObject({ status: 200, body: { status: 'booked' } })
  })

  it('refuses another body under its key, and changes nothing', async () => {
    const { pool } = await testDatabase(migrations)
    const { book, see } = await openHouse(pool)
    await book('hamlet-b7', ada, 'one')

    const forAnother = await book('hamlet-b7', bob, 'one')
    const ofAnother = await book('hamlet-b8', ada, 'one')

    expect(forAnother).toMatchObject({ status: 422, body: { type: '/problems/key-reused' } })
    expect(ofAnother).toMatchObject({ status: 422, body: { type: '/problems/key-reused' } })
    expect((await see('hamlet-b8')).body).toMatchObject({ status: 'free' })
  })

  it('outlives a restart, with its answer', async () => {
    const { pool, anotherPool } = await testDatabase(migrations)
    const before = await openHouse(pool)
    const first = await before.book('hamlet-b7', ada, 'one')
    await before.close()

    const { book, see } = await openHouse(anotherPool())
    const seen = await see('hamlet-b7')
    const again = await book('hamlet-b7', ada, 'one')

    expect(seen.body).toEqual(first.body)
    expect(again).toMatchObject({ status: 200, replayed: true, text: first.text })
  })
})

/** The app behind a port of its own, and what people do with it; closed when the test ends. */
async function openHouse(pool: Pool) {
  const tickets = createTickets(pool)
  const { ready } = createReadiness([{ name: tickets.name, check: () => tickets.ready() }])
  const identify = createIdentify({ kind: 'none' })
  const server = await createServer({ faces: [tickets], identify, ready })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= server.close().then(() => tickets.stop())
    return closing
  }
  onTestFinished(close)

  async function ask(path: string, request: RequestInit = {}) {
    const response = await fetch(`http://127.0.0.1:${port}/seats/${path}`, request)
    const text = await response.text()
    const replayed = response.headers.get('idempotent-replayed') === 'true'
    return { status: response.status, replayed, text, body: JSON.parse(text) }
  }
  return {
    close,
    see: (seat: string) => ask(seat),
    book: (seat: string, userId: string, key: string) =>
      ask(seat, {
        method: 'PUT',
        headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
        body: JSON.stringify({ userId }),
      }),
    release: (seat: string, userId: string, key: string) =>
      ask(`${seat}?userId=${userId}`, { method: 'DELETE', headers: { 'Idempotency-Key': key } }),
  }
}

/** Keeps everybody else from a seat, until told to give way. */
async function holdSeat(pool: Pool, seat: string): Promise<() => Promise<void>> {
  const client = await pool.connect()
  await client.query('begin')
  await client.query('select from seats where id = $1 for update', [seat])
  return async () => {
    await client.query('commit')
    client.release()
  }
}

/** How many transactions of a database wait for another one. */
async function waitingIn(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select count(*) as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].waiting
}
