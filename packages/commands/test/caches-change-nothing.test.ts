import {
  type CommandRecord,
  composeCaches,
  createExecutor,
  type Executor,
  type Message,
  processReplayCache,
  type RemoteReplayCache,
  type RemoteReplayCacheCounts,
  type ReplayCache,
  type Repository,
  userScope,
} from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { redisReplayCache } from '@semel/commands/redis'
import { describeWithRedis, type RedisServer, startRedis } from '@semel/parts/testing'
import type { Pool, Tx } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../test/product.ts'
import { type AddToCounter, add, addToCounter, type Counter, counterDecider } from './counter.ts'

const begin = Date.parse('2026-01-01T00:00:00Z')
const hour = 60 * 60 * 1000
const rounds = 40
const secret = 'a secret of at least thirty-two bytes'

const counters: Repository<Counter, AddToCounter, Tx> = {
  async load(tx, ids) {
    const text = 'insert into counters select unnest($1::uuid[]), 0 on conflict do nothing'
    await tx.query({ text, values: [ids] })
    const found = await tx.query<Counter>({
      text: 'select id, count from counters where id = any($1) order by id for update',
      values: [ids],
    })
    return new Map(found.rows.map((counter) => [counter.id, counter]))
  },
  async save(tx, changed) {
    const text = `update counters set count = changed.count
      from unnest($1::uuid[], $2::integer[]) as changed (id, count) where counters.id = changed.id`
    tx.send({ text, values: [changed.map(({ id }) => id), changed.map(({ count }) => count)] })
  },
}

async function append(tx: Tx, messages: readonly Message[]) {
  const text = 'insert into told select unnest($1::uuid[]), unnest($2::text[])'
  const bodies = messages.map(({ body }) => JSON.stringify(body))
  tx.send({ text, values: [messages.map(({ id }) => id), bodies] })
}

/** What is asked in one round: of each counter one thing, so that nothing hangs on their order. */
type Ask = Readonly<{
  command: AddToCounter
  by: 'one' | 'other' | 'both' | 'topic'
  onReuse: 'refuse' | 'replay'
}>

/** New commands, repeats of old ones, and keys used again for something else, by a seed. */
function workload(seed: number): Ask[][] {
  const random = randomOf(seed)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const keys: { key: string; amount: number; counter: string }[] = []
  return Array.from({ length: rounds }, (_, round) =>
    Array.from({ length: 6 }, (_, n) => {
      const counter = `018f0000-0000-7000-8000-00000000000${n}`
      const known = keys.filter((one) => one.counter === counter)
      const isNew = known.length === 0 || random() < 0.4
      const first = { key: `${round}-${n}`, amount: 1 + Math.floor(random() * 150), counter }
      if (isNew) keys.push(first)
      const { key, amount } = isNew ? first : pick(known)
      const wanted = isNew || random() < 0.8 ? amount : amount + 1
      return {
        command: add(userScope('-', `user-${n}`), key, wanted, counter),
        by: pick(['one', 'other', 'both', 'both', 'topic'] as const),
        onReuse: pick(['refuse', 'refuse', 'replay'] as const),
      }
    }),
  )
}

/** What a cache is to a process, and what happens to Redis before a round. */
type Variant = Readonly<{
  name: string
  cacheOf?: (redis: RemoteReplayCache) => ReplayCache
  before?: (redis: RedisServer, round: number, random: () => number) => unknown
  /** What must have been met, or the variant shows nothing. */
  met?: (counts: RemoteReplayCacheCounts) => boolean
}>

const alone = (redis: RemoteReplayCache) => redis
const behindProcess = (redis: RemoteReplayCache) =>
  composeCaches(processReplayCache({ entriesMax: 20 }), redis)

/** Each entry becomes another's, is cut, is forged, is of another format, or stays. */
const lies = `for i, name in ipairs(redis.call('KEYS', 'idem:*')) do
  local value = redis.call('GET', name)
  local names = redis.call('KEYS', 'idem:*')
  if i % 5 == 0 then value = redis.call('GET', names[i % #names + 1]) end
  if i % 5 == 1 then value = string.sub(value, 1, #value - 7) end
  if i % 5 == 2 then value = string.rep('\\1', 90) end
  if i % 5 == 3 then value = '\\2' .. string.sub(value, 2) end
  redis.call('SET', name, value)
end`

const variants: readonly Variant[] = [
  { name: 'a process', cacheOf: () => processReplayCache() },
  { name: 'Redis', cacheOf: alone, met: ({ hits }) => hits > 0 },
  { name: 'a process and Redis', cacheOf: behindProcess, met: ({ hits }) => hits > 0 },
  {
    name: 'a Redis that is flushed at random',
    cacheOf: alone,
    before: (redis, _, random) => random() < 0.3 && redis.tell('FLUSHALL'),
    met: ({ hits, misses }) => hits > 0 && misses > 0,
  },
  {
    name: 'a Redis that lies',
    cacheOf: behindProcess,
    before: (redis) => redis.tell('EVAL', lies, '0'),
    met: ({ ignored }) => ignored > 0,
  },
  {
    name: 'a Redis that is killed, and comes back empty',
    cacheOf: alone,
    before: (redis, round) => (round % 10 === 4 ? redis.kill() : round % 10 === 8 && redis.start()),
    met: ({ skipped }) => skipped > 0,
  },
  {
    name: 'a Redis that hangs for a while',
    cacheOf: behindProcess,
    before: (redis, round) =>
      round % 10 === 4 ? redis.freeze() : round % 10 === 8 && redis.thaw(),
    met: ({ errors, skipped }) => errors > 0 && skipped > 0,
  },
]

describeWithRedis('the same commands', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())

  it.each([1, 2])(
    'have the same effects and the same answers whatever the caches do, seed %i',
    async (seed) => {
      const asks = workload(seed)
      const { counts: none, ...expected } = await runWith(redis, asks, { name: 'no cache' })
      expect(none).toEqual([])
      const kinds = new Set(expected.outcomes.flat().map(({ kind }) => kind))
      const met = ['answered', 'decided', 'key-expired', 'key-reused', 'known']
      expect([...kinds].sort()).toEqual(met)

      for (const variant of variants) {
        const { counts, ...happened } = await runWith(redis, asks, variant)

        expect(happened, variant.name).toEqual(expected)
        for (const each of counts) {
          expect(variant.met?.(each) ?? true, `${variant.name}: ${JSON.stringify(each)}`).toBe(true)
        }
      }
    },
  )
})

/** Two processes on one database, each with caches of its own; Redis they share. */
async function runWith(server: RedisServer, asks: Ask[][], { cacheOf, before }: Variant) {
  server.thaw()
  await server.kill()
  await server.start()
  const { pool, anotherPool } = await testDatabase([commandMigrations])
  await pool.query('create table counters (id uuid primary key, count integer not null)')
  await pool.query('create table told (id uuid primary key, body text not null)')
  const time = { now: begin }
  const clock = () => new Date(time.now)
  const limits = { budgetMs: 100, retryMs: 20, url: server.url, secret, clock }
  const caches = cacheOf === undefined ? [] : [1, 2].map(() => redisReplayCache(limits))
  onTestFinished(async () => void (await Promise.all(caches.map((cache) => cache.close()))))
  const connected = async () => caches.every((cache) => cache.isConnected())
  await until(connected)
  const executors = [pool, anotherPool()].map((each, index) => {
    const cache = caches[index]
    return executorOn(each, clock, cache && cacheOf?.(cache))
  })
  const random = randomOf(7)
  const outcomes: Told[][] = []
  for (const [round, all] of asks.entries()) {
    time.now = begin + round * 1.5 * hour
    await before?.(server, round, random)
    if (round % 10 === 9) await until(connected)
    outcomes.push((await Promise.all(all.map((one) => submit(executors, one)))).flat())
  }
  await Promise.all(executors.map((executor) => executor.close()))
  return { outcomes, effects: await effectsIn(pool), counts: caches.map((one) => one.counts()) }
}

function executorOn(pool: Pool, clock: () => Date, cache: ReplayCache | undefined): Executor<Tx> {
  return createExecutor({
    ...{ store: postgresStore(pool), repository: counters, decider: counterDecider },
    ...{ contracts: [addToCounter], append, clock },
    ...(cache === undefined ? {} : { cache }),
  })
}

type Told = Readonly<{ kind: string }>

/** What was told, but for who was first of two at once. */
async function submit(executors: readonly Executor<Tx>[], ask: Ask): Promise<Told[]> {
  const { command, by, onReuse } = ask
  if (by === 'topic') {
    const carried = [{ command, partitionKey: command.input.id }]
    return (await executors[0]!.submitCarried(carried)).map(({ kind }) => ({ kind }))
  }
  const asked = { one: [0], other: [1], both: [0, 1] }[by].map((index) => executors[index]!)
  const outcomes = await Promise.all(asked.map((each) => each.submit(command, { onReuse })))
  return outcomes.map((outcome) => {
    if (outcome.kind !== 'answered') return outcome
    const { replayed: _, answer, ...rest } = outcome
    return { ...rest, answer: { ...answer, body: answer.body.toString() } }
  })
}

async function effectsIn(pool: Pool): Promise<object> {
  const [counted, commands, told] = await Promise.all([
    pool.query<Counter>('select * from counters order by id'),
    pool.query<CommandRecord>('select * from commands order by id'),
    pool.query('select * from told order by id'),
  ])
  return { counters: counted.rows, commands: commands.rows, told: told.rows }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
