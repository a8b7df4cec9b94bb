import { type CommandRecord, commandId, fingerprintOf, serviceScope } from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { testDatabase } from '@semel/postgres/testing'
import {
  databaseSweeps,
  type Parking,
  postgresDeadLetters,
  type Retention,
  sweepOutbox,
  topicMigrations,
} from '@semel/topics'
import { type PostgresTransportOptions, postgresTransport } from '@semel/topics/postgres'
import { takePart } from '@semel/topics/take-part'
import { patience, readUntil, readWith, told } from '@semel/topics/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const dayMs = 24 * 60 * 60 * 1000
const now = new Date('2026-06-01T00:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * dayMs)
const toldAgo = (days: number, topic = 'a') => ({ ...told(topic, 'k', days), time: daysAgo(days) })

describe('the outbox', () => {
  it('keeps no copies of dead letters for readers that never were', async () => {
    const { database, transport } = await open()
    await transport.publish(['a', 'a_dead', 'b_dead'].map((topic) => toldAgo(8, topic)))
    await transport.publish([toldAgo(6, 'a_dead')])
    const behind = readWith(transport, 'g', 'b_dead', {}, () => Promise.reject(new Error('no')))
    await vi.waitFor(() => expect(behind.seen).not.toEqual([]), patience)
    await behind.stop()

    expect(await sweepOutbox(database.pool, { clock: () => now })).toBe(1)

    const { rows } = await database.pool.query('select topic, body from outbox order by topic')
    expect(rows).toEqual([
      { topic: 'a', body: '8' },
      { topic: 'a_dead', body: '6' },
      { topic: 'b_dead', body: '8' },
    ])
  })

  it('locks nothing that it does not drop', async () => {
    const { database, transport } = await open()
    await transport.publish([toldAgo(8), toldAgo(6), toldAgo(5)])
    await (await readUntil(transport, 'g', 'a', 3)).stop()

    expect(await sweepOutbox(database.pool, { clock: () => now })).toBe(1)

    const { rows } = await database.pool.query('select body from outbox where xmax = 0')
    expect(rows).toHaveLength(2)
  })

  it('is swept by two processes at once, each message by one of them', async () => {
    const { database, transport } = await open()
    await transport.publish(Array.from({ length: 200 }, () => toldAgo(8)))
    await (await readUntil(transport, 'g', 'a', 200)).stop()
    const pace = { clock: () => now, batchSizeMax: 5, pauseMs: 0 }

    const swept = [0, 0]
    for (let left = 200; left > 0; ) {
      const both = [database.anotherPool(), database.anotherPool()]
      const counts = await Promise.all(both.map((pool) => sweepOutbox(pool, pace)))
      counts.forEach((count, index) => {
        swept[index]! += count
        left -= count
      })
    }

    expect(swept[0]! + swept[1]!).toBe(200)
    expect((await database.pool.query('select from outbox')).rowCount).toBe(0)
  })
})

describe('discarded letters', () => {
  it('are kept as long as commands are remembered, and their messages could be read', async () => {
    const { transport, park, letters, sweep } = await open()
    await park(29, 31, 57, 59)
    await park('not discarded')
    await transport.publish([toldAgo(35)])

    await sweep()
    const whileUnread = await letters()
    await (await readUntil(transport, 'g', 'a', 1)).stop()
    await sweep()

    expect(whileUnread).toEqual([29, 31, 57, 'not discarded'])
    expect(await letters()).toEqual([29, 'not discarded'])
  })
})

describe('the command log', () => {
  it('forgets nothing that a message which is still there could bring again', async () => {
    const { database, transport, remember, remembered, sweep } = await open()
    await remember(29, 31, 57, 59)
    await transport.publish([toldAgo(35), toldAgo(1)])

    await sweep()
    const whileUnread = await remembered()
    await (await readUntil(transport, 'g', 'a', 2)).stop()
    await sweep()

    expect(whileUnread).toEqual([29, 31, 57])
    expect(await remembered()).toEqual([29])
    expect((await database.pool.query('select body from outbox')).rows).toEqual([{ body: '1' }])
  })

  it.each(['infinity', '290000-01-01', '9999-01-01', '-infinity', '4700-01-01 BC'])(
    'forgets no more because a message says that it was told at %s',
    async (time) => {
      const { database, transport, remember, remembered, sweep } = await open()
      await remember(57, 59)
      await transport.publish([toldAgo(35, 'odd'), toldAgo(35, 'odd'), toldAgo(1)])
      const odd = "update outbox set time = $1 where topic = 'odd' and position = 0"
      await database.pool.query(odd, [time])

      await sweep()

      expect(await remembered()).toEqual([57])
    },
  )

  it('forgets after 30 days where no message is older than it is kept', async () => {
    const { transport, remember, remembered, sweep } = await open()
    await remember(29, 31)

    await sweep({ rememberedMs: 32 * dayMs })
    const longer = await remembered()
    await transport.publish([toldAgo(6), toldAgo(35, 'b_dead')])
    await sweep()

    expect(longer).toEqual([29, 31])
    expect(await remembered()).toEqual([29])
  })

  it('is swept with the outbox by a transport, while anything is consumed', async () => {
    const aged = { clock: () => now, everyMs: 1 }
    const { database, transport, remember, remembered } = await open({ retention: aged })
    await remember(31)
    await transport.publish([toldAgo(8)])
    const { stop } = await readUntil(transport, 'g', 'a', 1)
    await vi.waitFor(async () => {
      expect((await database.pool.query('select from outbox')).rowCount).toBe(0)
      expect(await remembered()).toEqual([])
    }, patience)
    await stop()
  })

  it('is swept by whoever sweeps its database, not once more by each service', async () => {
    const { database, transport } = await open()
    const service = { pool: database.pool, group: 'g', subscriptions: [], catalogue: {} }

    expect(takePart({ ...service, topics: transport }).sweeps).toEqual([])
    expect(takePart({ ...service, topics: undefined }).sweeps).toBeUndefined()
    expect(transport.rememberedMs).toBe(30 * dayMs)
  })

  it.each([
    [{ rememberedMs: 7 * dayMs }, 'rememberedMs 604800000 \\(7 days\\)', '604800000 \\(7 days\\)'],
    [{ keptMs: 45 * dayMs }, 'rememberedMs 2592000000 \\(30 days\\)', '3888000000 \\(45 days\\)'],
  ])('must remember longer than messages are kept: %o is refused', async (retention, ...said) => {
    const { pool } = await testDatabase([])

    expect(() => postgresTransport({ pool, retention })).toThrow(
      new RegExp(
        `^commands would .*${said.join('.*keptMs ')}: make rememberedMs larger than keptMs$`,
      ),
    )
  })
})

async function open(options: Partial<PostgresTransportOptions> = {}) {
  const database = await testDatabase([commandMigrations, topicMigrations])
  const transport = postgresTransport({ pool: database.anotherPool(), ownMs: 200, ...options })
  onTestFinished(() => transport.close())
  const store = postgresStore(database.pool)
  return {
    database,
    transport,
    /** Has commands decided so many days ago, whose answers are gone. */
    remember: (...days: number[]) =>
      store.transaction((tx) => store.insert(tx, days.map(decidedAgo))),
    async remembered() {
      const { rows } = await database.pool.query('select decided_at from commands order by 1 desc')
      return rows.map(({ decided_at }) => (now.getTime() - decided_at.getTime()) / dayMs)
    },
    /** Parks letters that were discarded so many days ago, or not at all. */
    async park(...discarded: (number | 'not discarded')[]) {
      const { park, discard } = postgresDeadLetters({ pool: database.pool, append: async () => {} })
      for (const days of discarded) {
        const { id, time, commandId: _, body, ...message } = told('a_dead', `${days}`, 0)
        const place = { ...message, id, partition: 0, position: 0, body: `${body}` }
        const letter = { id, message: place, reason: 'failed', detail: '', behindStored: false }
        await park('g', [letter as Parking], time)
        if (days === 'not discarded') continue
        await discard({ group: 'g', id, by: 'me', why: 'test', at: daysAgo(days) })
      }
    },
    async letters() {
      const { rows } = await database.pool.query(
        'select discarded_at from dead_letters order by 1 desc nulls last',
      )
      return rows.map(({ discarded_at: at }) =>
        at === null ? 'not discarded' : (now.getTime() - at.getTime()) / dayMs,
      )
    },
    async sweep(retention: Retention = {}) {
      const aged = { ...retention, clock: () => now }
      for (const sweep of databaseSweeps(database.pool, aged)) {
        await sweep(new AbortController().signal)
      }
    },
  }
}

function decidedAgo(days: number): CommandRecord {
  const [scope, operation, key] = [serviceScope('g'), 'o', `h:${days}`] as const
  const decidedAt = daysAgo(days)
  return {
    ...{ id: commandId(scope, operation, key), scope, operation, key },
    ...{ fingerprint: fingerprintOf(operation, {}), answer: undefined, decidedAt },
    replayableUntil: new Date(decidedAt.getTime() + dayMs),
  }
}
