import {
  type CommandRecord,
  composeCaches,
  createExecutor,
  type Executor,
  type Message,
  makeCommand,
  processReplayCache,
  type RemoteReplayCache,
  type RemoteReplayCacheCounts,
  type ReplayCache,
  type Repository,
  serviceScope,
  userScope,
} from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { redisReplayCache } from '@semel/commands/redis'
import { registryReplayCache } from '@semel/commands/registry'
import { endingSeal } from '@semel/commands/registry-protocol'
import { announcing } from '@semel/contracts/messages'
import { createMessages, migrations as messageMigrations } from '@semel/messages'
import { requestEnded } from '@semel/messages/reactions'
import { describeWithRedis, type RedisServer, startRedis } from '@semel/parts/testing'
import type { Pool, Tx } from '@semel/postgres'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { reactionKey } from '@semel/topics'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../test/product.ts'
import { serve } from '../../../test/serve.ts'
import { type AddToCounter, add, addToCounter, type Counter, counterDecider } from './counter.ts'
import { type FaultProxy, lies as liesToTell, openFaultProxy, troubles } from './fault-proxy.ts'

const begin = Date.parse('2026-01-01T00:00:00Z')
const hour = 60 * 60 * 1000
const rounds = 24
/** In each six rounds trouble begins before the second and is over before the fifth. */
const troubleBegins = (round: number) => round % 6 === 1
const troubleEnds = (round: number) => round % 6 === 4
const secret = 'a secret of at least thirty-two bytes'
const announce = announcing('all', endingSeal(secret))

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
  // A repeat that a topic carried is announced again, by the same message.
  const text = `insert into told select * from unnest($1::uuid[], $2::text[]) on conflict do nothing`
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

/** What remote caches there are for a process. */
type Caches = Readonly<{ redis(): ReplayCache; registry(): ReplayCache }>
type Counts = Readonly<Record<keyof Caches, RemoteReplayCacheCounts>>

/** The registry's service, and who stands before it. */
type Registry = Readonly<{
  proxy: FaultProxy
  forget(): Promise<unknown>
  hear(messages: readonly Message[]): Promise<unknown>
}>

/** What a cache is to a process, and what happens to its neighbours before a round. */
type Variant = Readonly<{
  name: string
  cacheOf?: (caches: Caches) => ReplayCache
  before?: (around: Around, round: number, random: () => number) => unknown
  /** Rounds after which the registry hears of answers. Default 0. */
  lag?: number
  /** What must have been met by both processes together, or the variant shows nothing. */
  met?: (counts: Counts) => boolean
}>
type Around = Readonly<{ redis: RedisServer; registry: Registry }>

const justRedis = (caches: Caches) => caches.redis()
const behindProcess = ({ redis }: Caches) =>
  composeCaches(processReplayCache({ entriesMax: 20 }), redis())
const justRegistry = (caches: Caches) => caches.registry()
const behindAll = ({ redis, registry }: Caches) =>
  composeCaches(processReplayCache({ entriesMax: 4 }), redis(), registry())

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

const liesOfRegistry = liesToTell(randomOf(3))
const ways = Object.values(troubles)

const ofRedis: readonly Variant[] = [
  { name: 'a process', cacheOf: () => processReplayCache() },
  { name: 'Redis', cacheOf: justRedis, met: ({ redis }) => redis.hits > 0 },
  { name: 'a process and Redis', cacheOf: behindProcess, met: ({ redis }) => redis.hits > 0 },
  {
    name: 'a Redis that is flushed at random',
    cacheOf: justRedis,
    before: ({ redis }, _, random) => random() < 0.3 && redis.tell('FLUSHALL'),
    met: ({ redis: { hits, misses } }) => hits > 0 && misses > 0,
  },
  {
    name: 'a Redis that lies',
    cacheOf: behindProcess,
    before: ({ redis }) => redis.tell('EVAL', lies, '0'),
    met: ({ redis }) => redis.ignored > 0,
  },
  {
    name: 'a Redis that is killed, and comes back empty',
    cacheOf: justRedis,
    before: ({ redis }, round) =>
      troubleBegins(round) ? redis.kill() : troubleEnds(round) && redis.start(),
    met: ({ redis }) => redis.skipped > 0,
  },
  {
    name: 'a Redis that hangs for a while',
    cacheOf: behindProcess,
    before: ({ redis }, round) =>
      troubleBegins(round) ? redis.hang() : troubleEnds(round) && redis.wake(),
    met: ({ redis: { errors, skipped } }) => errors > 0 && skipped > 0,
  },
]

const ofRegistry: readonly Variant[] = [
  { name: 'the registry', cacheOf: justRegistry, met: ({ registry }) => registry.hits > 0 },
  {
    name: 'a registry that hears later',
    cacheOf: justRegistry,
    lag: 5,
    met: ({ registry: { hits, misses } }) => hits > 0 && misses > 0,
  },
  {
    name: 'a registry that lies',
    cacheOf: justRegistry,
    before: ({ registry }) => registry.proxy.set(liesOfRegistry),
    met: ({ registry: { hits, ignored } }) => hits > 0 && ignored > 0,
  },
  {
    name: 'a registry that is down for a while',
    cacheOf: justRegistry,
    before: ({ registry: { proxy } }, round) =>
      troubleBegins(round) ? proxy.down() : troubleEnds(round) && proxy.up(),
    met: ({ registry }) => registry.skipped > 0,
  },
  {
    name: 'a registry that answers late, half, never, or with an error',
    cacheOf: justRegistry,
    before: ({ registry: { proxy } }, round) =>
      troubleBegins(round)
        ? proxy.set(ways[Math.floor(round / 6)])
        : troubleEnds(round) && proxy.set(undefined),
    met: ({ registry: { hits, errors, skipped } }) => hits > 0 && errors > 0 && skipped > 0,
  },
  {
    name: 'all of them, each in trouble now and then',
    cacheOf: behindAll,
    before: ({ redis, registry: { proxy } }, _, random) => {
      if (random() < 0.3) redis.tell('FLUSHALL')
      if (random() < 0.3) redis.tell('EVAL', lies, '0')
      proxy.set(random() < 0.3 ? liesOfRegistry : undefined)
    },
    lag: 1,
    met: ({ redis, registry }) => redis.hits > 0 && registry.hits > 0,
  },
]

describeWithRedis('the same commands', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())

  it.each([
    ['a process and Redis', 1, ofRedis],
    ['the registry', 2, ofRegistry],
  ])(
    'have the same effects and the same answers whatever is done by %s, seed %i',
    async (_, seed, variants) => {
      const asks = workload(seed)
      const around = { redis, registry: await openRegistry() }
      const database = await openCounters()
      const run = (variant: Variant) => runWith({ ...around, database }, asks, variant)
      const { counts: none, ...expected } = await run({ name: 'no cache' })
      expect(none.redis.hits + none.registry.hits).toBe(0)
      const kinds = new Set(expected.outcomes.flat().map(({ kind }) => kind))
      const met = ['answered', 'decided', 'key-expired', 'key-reused', 'known']
      expect([...kinds].sort()).toEqual(met)

      for (const variant of variants) {
        const { counts, ...happened } = await run(variant)

        expect(happened, variant.name).toEqual(expected)
        expect(variant.met?.(counts) ?? true, `${variant.name}: ${JSON.stringify(counts)}`).toBe(
          true,
        )
      }
    },
  )
})

async function openCounters(): Promise<TestDatabase> {
  const database = await testDatabase([commandMigrations])
  await database.pool.query('create table counters (id uuid primary key, count integer not null)')
  await database.pool.query('create table told (id uuid primary key, body text not null)')
  return database
}

/** The messages service on a database of its own, which hears of answers when it is told to. */
async function openRegistry(): Promise<Registry> {
  const { pool } = await testDatabase(messageMigrations)
  const messages = createMessages({ pool, sealSecret: secret })
  onTestFinished(() => messages.stop())
  const url = await serve(messages, { internalRoutes: messages.internalRoutes })
  return {
    proxy: await openFaultProxy(url),
    forget: () => pool.query('truncate messages, commands'),
    hear: (told) =>
      messages.executor.submitCarried(
        told.map(({ id, body, partitionKey }) => ({
          partitionKey,
          command: makeCommand(requestEnded, {
            ...{ scope: serviceScope('counters'), key: reactionKey('messages', id) },
            ...{ input: body as object, receivedAt: new Date() },
          }),
        })),
      ),
  }
}

/** Two processes on one database, each with caches of its own; Redis and registry they share. */
async function runWith(
  { redis, registry, database }: Around & { database: TestDatabase },
  asks: Ask[][],
  { cacheOf, before, lag = 0 }: Variant,
) {
  const { pool } = database
  await pool.query('truncate commands, counters, told')
  await registry.forget()
  redis.tell('FLUSHALL')
  const time = { now: begin }
  const clock = () => new Date(time.now)
  const remote = openCaches({ redis, registry }, clock)
  const heard: Message[][] = []
  const executors = [pool, database.anotherPool()].map((each) =>
    executorOn(each, {
      ...{ clock, ...(cacheOf === undefined ? {} : { cache: cacheOf(remote) }) },
      told: (messages) => {
        heard.at(-1)!.push(...messages.filter(({ topic }) => topic === 'message'))
      },
    }),
  )
  await until(remote.areConnected)
  const random = randomOf(7)
  const outcomes: Told[][] = []
  for (const [round, all] of asks.entries()) {
    time.now = begin + round * 2 * hour
    await before?.({ redis, registry }, round, random)
    if (troubleEnds(round - 1)) await until(remote.areConnected)
    heard.push([])
    outcomes.push((await Promise.all(all.map((one) => submit(executors, one)))).flat())
    const late = heard[round - lag] ?? []
    if (remote.asksRegistry() && late.length > 0) await registry.hear(late)
  }
  await Promise.all(executors.map((executor) => executor.close()))
  await remote.close()
  registry.proxy.set(undefined)
  return { outcomes, effects: await effectsIn(pool), counts: remote.counts() }
}

/** Opens remote caches as they are asked for, and counts for all of a kind together. */
function openCaches({ redis, registry }: Around, clock: () => Date) {
  const limits = { budgetMs: 100, failuresMax: 2, retryMs: 20, connectWithinMs: 500, secret, clock }
  const opened: Record<keyof Caches, RemoteReplayCache[]> = { redis: [], registry: [] }
  const opening = (kind: keyof Caches, open: () => RemoteReplayCache) => () => {
    const cache = open()
    opened[kind].push(cache)
    return cache
  }
  const all = () => Object.values(opened).flat()
  const countsOf = (kind: keyof Caches) =>
    opened[kind]
      .map((cache) => cache.counts())
      .reduce(
        (sum, one) => ({
          hits: sum.hits + one.hits,
          misses: sum.misses + one.misses,
          ignored: sum.ignored + one.ignored,
          errors: sum.errors + one.errors,
          skipped: sum.skipped + one.skipped,
        }),
        { hits: 0, misses: 0, ignored: 0, errors: 0, skipped: 0 },
      )
  const close = async () => void (await Promise.all(all().map((cache) => cache.close())))
  onTestFinished(close)
  return {
    redis: opening('redis', () => redisReplayCache({ url: redis.url, ...limits })),
    registry: opening('registry', () =>
      registryReplayCache({ urls: [registry.proxy.url], ...limits }),
    ),
    asksRegistry: () => opened.registry.length > 0,
    areConnected: async () => all().every((cache) => cache.isConnected()),
    counts: (): Counts => ({ redis: countsOf('redis'), registry: countsOf('registry') }),
    close,
  }
}

type ExecutorParts = Readonly<{
  clock: () => Date
  told: (messages: readonly Message[]) => void
  cache?: ReplayCache
}>

function executorOn(pool: Pool, parts: ExecutorParts): Executor<Tx> {
  return createExecutor({
    ...{ store: postgresStore(pool), repository: counters, decider: counterDecider },
    ...{ contracts: [addToCounter], append, announce, ...parts },
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
