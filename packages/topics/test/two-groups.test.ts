import {
  accept,
  type CommandOf,
  createExecutor,
  type Decider,
  type Repository,
  serviceScope,
} from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { reaction, tell } from '@semel/contract'
import { type Pool, type Tx, textArray, uuidArray } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import {
  declaredTypes,
  listPositions,
  postgresDeadLetters,
  reactsTo,
  resetPosition,
  startConsumer,
  topicMigrations,
} from '@semel/topics'
import { postgresTransport } from '@semel/topics/postgres'
import { expect, it, onTestFinished, vi } from 'vitest'
import { jarId, otherJar, sweetsEaten } from './jars.ts'

const patience = { timeout: 15_000, interval: 5 }
const eaten = reaction(sweetsEaten)

type Eaten = CommandOf<typeof eaten>
/** What a group has counted of a jar. */
type Tally = Readonly<{ jarId: string; sum: number }>

const decider: Decider<Tally, Eaten> = {
  aggregateId: ({ input }) => input.jarId,
  decide: (tally, { input }) => accept({ ...tally, sum: tally.sum + input.amount }, {}),
}

it('two groups of one database react to one event each, once, however often it comes', async () => {
  const { pool } = await testDatabase([commandMigrations, topicMigrations])
  await pool.query(
    `create table tallies (reader text, jar_id uuid, sum integer, primary key (reader, jar_id))`,
  )
  const transport = postgresTransport({ pool })
  const groups = ['kitchen', 'nursery']
  const consumers = groups.map((group) => startCounting(pool, transport, group))
  onTestFinished(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()))
    await transport.close()
  })
  const [one, two] = [eating(jarId, 3), eating(otherJar, 4)]

  await transport.publish([one, two, one])
  await vi.waitFor(async () => expect(await left(pool)).toEqual([0, 0]), patience)
  const first = await tallies(pool)
  await transport.publish([two])
  for (const group of groups) {
    await resetPosition(pool, { group, topic: 'jar', partition: 0, to: 0 })
  }
  await vi.waitFor(async () => expect(await left(pool)).toEqual([0, 0]), patience)

  const each = groups.flatMap((reader) => [
    { reader, jarId, sum: 3 },
    { reader, jarId: otherJar, sum: 4 },
  ])
  expect(first).toEqual(each)
  expect(await tallies(pool)).toEqual(each)
})

/** Starts a group that counts what was eaten of each jar, in rows of its own. */
function startCounting(pool: Pool, transport: ReturnType<typeof postgresTransport>, group: string) {
  const { append, told } = transport
  const parts = { store: postgresStore(pool), repository: tallyRepository(group), decider }
  return startConsumer({
    ...{ transport, group, subscriptions: [reactsTo(sweetsEaten)] },
    declared: declaredTypes({ events: [sweetsEaten] }),
    executor: createExecutor({ ...parts, contracts: [eaten] }),
    deadLetters: postgresDeadLetters({ pool, append, told }),
  })
}

function tallyRepository(reader: string): Repository<Tally, Eaten, Tx> {
  return {
    async load(tx, ids) {
      const { rows } = await tx.query<Tally>({
        text: `select jar_id as "jarId", sum from tallies
                where reader = $1 and jar_id = any ($2::uuid[]) for update`,
        values: [reader, uuidArray(ids)],
      })
      const found = new Map(rows.map((tally) => [tally.jarId, tally]))
      return new Map(ids.map((id) => [id, found.get(id) ?? { jarId: id, sum: 0 }]))
    },
    async save(tx, changed) {
      await tx.query({
        text: `insert into tallies
               select $1, jar_id, sum::integer from unnest($2::uuid[], $3::text[]) as t (jar_id, sum)
                   on conflict (reader, jar_id) do update set sum = excluded.sum`,
        values: [
          reader,
          uuidArray(changed.map((tally) => tally.jarId)),
          textArray(changed.map(({ sum }) => String(sum))),
        ],
      })
    },
  }
}

/** An event of a service that is no group here; published twice, it is the same message twice. */
function eating(id: string, amount: number) {
  const origin = { source: 'shop', time: new Date(0), scope: serviceScope('shop') }
  const told = tell(sweetsEaten, { jarId: id, amount })
  return { ...told, ...origin, id: crypto.randomUUID(), commandId: crypto.randomUUID() as never }
}

async function tallies(pool: Pool) {
  const { rows } = await pool.query(
    'select reader, jar_id as "jarId", sum from tallies order by reader, jar_id',
  )
  return rows
}

/** What each group has not read. */
async function left(pool: Pool): Promise<number[]> {
  const positions = await listPositions(pool)
  return positions.filter(({ topic }) => topic === 'jar').map(({ lag }) => lag)
}
