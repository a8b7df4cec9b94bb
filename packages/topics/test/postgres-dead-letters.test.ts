import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Pool, transaction } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import {
  type DeadLetters,
  outboxAppend,
  type Parking,
  postgresDeadLetters,
  topicMigrations,
} from '@semel/topics'
import { expect, it, vi } from 'vitest'

const group = 'readers'
const parkedAt = new Date('2026-01-01T00:00:00.000Z')
const patience = { timeout: 15_000, interval: 5 }

async function twoStores() {
  const { pool, anotherPool } = await testDatabase([topicMigrations])
  const open = (of: Pool) => postgresDeadLetters({ pool: of, append: outboxAppend() })
  return { pool, letters: open(anotherPool()), rival: open(anotherPool()) }
}

it('a message that parks while its key is being emptied is not stranded', async () => {
  const { pool, letters } = await twoStores()
  const front = letter(1)
  await letters.park(group, [front], parkedAt)
  const emptying = await pool.connect()
  await emptying.query('begin')
  await emptying.query('delete from dead_letters where id = $1', [front.id])

  const parking = letters.park(group, [letter(2, { behindStored: true })], parkedAt)
  await vi.waitFor(async () => expect(await waiting(pool)).toBe(1), patience)
  await emptying.query('commit')
  emptying.release()

  expect(await parking).toBe(false)
  expect(await letters.list({})).toEqual([])
})

it('a message that parks before its key is emptied is redriven with it', async () => {
  const { pool, letters, rival } = await twoStores()
  const [front, late] = [letter(1), letter(2, { behindStored: true })]
  await letters.park(group, [front], parkedAt)
  await letters.redrive({ group }, parkedAt)
  const holding = await pool.connect()
  await holding.query('begin')
  await holding.query('select from dead_letters where id = $1 for update', [front.id])

  const parking = letters.park(group, [late], parkedAt)
  await vi.waitFor(async () => expect(await waiting(pool)).toBe(1), patience)
  const settling = rival.settle(group, { done: [front.id] })
  await vi.waitFor(async () => expect(await waiting(pool)).toBe(2), patience)
  await holding.query('commit')
  holding.release()
  const [parked] = await Promise.all([parking, settling])

  const left = await letters.list({})
  const marked = await letters.keysToRedrive(group, 9)
  expect({ parked, left: left.length, marked: marked.length }).toEqual(
    parked ? { parked, left: 1, marked: 1 } : { parked, left: 0, marked: 0 },
  )
})

it('a letter that is being decided is discarded before or not at all', async () => {
  const { pool, letters, rival } = await twoStores()
  const [decided, undone] = [letter(1), letter(2, {}, 'other')]
  await letters.park(group, [decided, undone], parkedAt)
  await letters.redrive({ group }, parkedAt)
  const discard = ({ id }: Parking) =>
    rival.discard({ group, id, by: 'me', why: 'void', at: parkedAt })
  const takenInTurn = async (wanted: Parking, end: () => void) => {
    const { promise: discarding, resolve } = Promise.withResolvers<Promise<boolean>>()
    const deciding = transaction(pool, async (tx) => {
      await letters.take(tx, group, [wanted.id])
      resolve(discard(wanted))
      await vi.waitFor(async () => expect(await waiting(pool)).toBe(1), patience)
      end()
    })
    await deciding.catch(() => {})
    return discarding.then((discarded) => discarded)
  }

  const behindCommit = await takenInTurn(decided, () => {})
  const behindRollback = await takenInTurn(undone, () => {
    throw new Error('undone')
  })

  expect([behindCommit, behindRollback]).toEqual([false, true])
})

it('no message is stranded or lost while its key is emptied over and over', async () => {
  const { letters, rival } = await twoStores()
  const rounds = 150
  const passed: number[] = []
  const redriven: number[] = []
  let parking = true

  const park = async () => {
    for (let n = 1; n <= rounds; n += 1) {
      // Every fifth is a dead letter of its own; the others park only behind one.
      if (n % 5 === 1) {
        await letters.park(group, [letter(n)], parkedAt)
        await letters.redrive({ group }, parkedAt)
      } else if (!(await letters.park(group, [letter(n, { behindStored: true })], parkedAt))) {
        passed.push(n)
      }
    }
    parking = false
  }
  const empty = async () => {
    for (;;) {
      const wasParking = parking
      const [key] = await rival.keysToRedrive(group, 1)
      if (key !== undefined) redriven.push(...(await emptied(rival, key)))
      else if (wasParking) await nextTurn()
      else return
    }
  }
  await Promise.all([park(), empty()])

  const all = [...passed, ...redriven].sort((one, other) => one - other)
  expect(await letters.list({})).toEqual([])
  expect(all).toEqual(Array.from({ length: rounds }, (_, index) => index + 1))
  expect(passed.length).toBeGreaterThan(0)
})

it('are found by an index, also when that was prepared on an empty table', async () => {
  const { anotherPool } = await testDatabase([topicMigrations])
  const pool = anotherPool({ connectionsMax: 1 })
  const letters = postgresDeadLetters({ pool, append: outboxAppend() })
  const asked = { topic: 't', partition: 0, partitionKeys: ['k'], ids: [crypto.randomUUID()] }
  await transaction(pool, (tx) => letters.standing(tx, group, asked))
  await letters.keysToRedrive(group, 9)
  await transaction(pool, (tx) => letters.take(tx, group, asked.ids))
  await letters.park(group, [letter(1)], parkedAt)

  const prepared = await preparedPlans(pool)
  const plans = prepared.filter(({ name }) => name.includes('letter')).map(({ plan }) => plan)

  expect(plans.length).toBe(4)
  expect(plans.filter((plan) => plan.includes('Seq Scan'))).toEqual([])
  expect(plans.filter((plan) => plan.includes('dead_letters_by_key')).length).toBe(2)
})

it('hold a message whose partition key is longer than an index can hold', async () => {
  const { pool, letters } = await twoStores()
  const key = '\u20ac'.repeat(512)

  await letters.park(group, [letter(1, {}, key)], parkedAt)

  const asked = { topic: 't', partition: 0, partitionKeys: [key], ids: [] }
  const { fronts } = await transaction(pool, (tx) => letters.standing(tx, group, asked))
  expect(fronts.get(key)).toBe(1)
})

async function emptied(
  letters: DeadLetters,
  key: Readonly<{ topic: string; partitionKey: string }>,
): Promise<number[]> {
  const found = await letters.lettersOf(group, key, 3)
  await letters.settle(group, { done: found.map(({ id }) => id) })
  return found.map(({ message }) => message.position)
}

/** How many statements wait for a lock. */
async function waiting(pool: Pool): Promise<number> {
  const { rows } = await pool.query(
    `select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].n
}

function letter(position: number, more: Partial<Parking> = {}, partitionKey = 'k'): Parking {
  const message = { topic: 't', partition: 0, position, partitionKey, body: '{}' }
  const id = crypto.randomUUID()
  return { id, message, reason: 'failed', detail: 'why', behindStored: false, ...more }
}
