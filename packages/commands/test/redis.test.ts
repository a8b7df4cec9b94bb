import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { composeCaches, processReplayCache } from '@semel/commands'
import { replayCacheConformance } from '@semel/commands/cache-conformance'
import { type RedisCacheOptions, redisReplayCache } from '@semel/commands/redis'
import { describeWithRedis, type RedisServer, startRedis } from '@semel/parts/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { until } from '../../../test/product.ts'
import { decided } from './records.ts'

const secret = 'a secret of at least thirty-two bytes'
/** A busy machine may take its time where a test is not about time. */
const patient = { secret, budgetMs: 10_000, retryMs: 20 } as const

function open(options: Pick<RedisCacheOptions, 'url'> & Partial<RedisCacheOptions>) {
  const told: unknown[] = []
  const cache = redisReplayCache({ ...patient, report: (error) => told.push(error), ...options })
  onTestFinished(() => cache.close())
  return { cache, told }
}

async function openConnected(options: Pick<RedisCacheOptions, 'url'> & Partial<RedisCacheOptions>) {
  const opened = open(options)
  await until(async () => opened.cache.isConnected())
  return opened
}

describeWithRedis('a replay cache in Redis', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.kill())
  beforeEach(() => void redis.tell('FLUSHALL'))

  const one = decided('one')
  const other = decided('other')
  const entryOf = ({ id }: { id: string }) => `idem:${id}`

  const conforming =
    (wrap: (cache: ReturnType<typeof redisReplayCache>) => unknown) => async () => {
      const cache = redisReplayCache({ ...patient, url: redis.url })
      await until(async () => cache.isConnected())
      return { cache: wrap(cache) as typeof cache, close: cache.close }
    }
  replayCacheConformance(
    'Redis',
    conforming((cache) => cache),
  )
  replayCacheConformance(
    'a process before Redis',
    conforming((cache) => composeCaches(processReplayCache(), cache)),
  )
  replayCacheConformance(
    'a process that forgets all before Redis',
    conforming((cache) => composeCaches(processReplayCache({ entriesMax: 0 }), cache)),
  )

  it('gives another process what one has put', async () => {
    const { cache: mine } = await openConnected({ url: redis.url })
    const { cache: theirs } = await openConnected({ url: redis.url })

    mine.put([one])
    await until(async () => redis.tell('EXISTS', entryOf(one)) === '1')

    expect(await theirs.get([one, other])).toEqual(new Map([[one.id, one]]))
    expect(theirs.counts()).toEqual({ hits: 1, misses: 1, ignored: 0, errors: 0, skipped: 0 })
  })

  it('asks once for all that is asked for in one turn', async () => {
    const { cache } = await openConnected({ url: redis.url })
    redis.tell('CONFIG', 'RESETSTAT')

    await Promise.all(Array.from({ length: 100 }, (_, n) => cache.get([decided(`${n}`)])))

    expect(redis.tell('INFO', 'commandstats')).toMatch(/cmdstat_mget:calls=1,/)
  })

  it('lets an entry live as long as told, but never longer than its answer is replayed', async () => {
    const { cache } = await openConnected({ url: redis.url, lifetimeMs: 50_000 })
    const short = decided('short', { replayableMs: 20_000 })
    const over = decided('over', { replayableMs: 0 })

    cache.put([one, short, over])
    await until(async () => redis.tell('EXISTS', entryOf(short)) === '1')

    const lives = [one, short, over].map((record) => Number(redis.tell('PTTL', entryOf(record))))
    expect(lives[0]).toBeGreaterThan(30_000)
    expect(lives[0]).toBeLessThanOrEqual(50_000)
    expect(lives[1]).toBeGreaterThan(1_000)
    expect(lives[1]).toBeLessThanOrEqual(20_000)
    expect(lives[2]).toBe(-2)
  })

  describe('that lies', () => {
    it.each([
      ['forged', () => redis.tell('SET', entryOf(one), `${randomBytes(99).toString('hex')}`)],
      ['truncated', () => redis.tell('SETRANGE', entryOf(other), '60', 'cut')],
      ['foreign', () => redis.tell('COPY', entryOf(other), entryOf(one), 'REPLACE')],
      ['of an unknown format', () => redis.tell('SETRANGE', entryOf(one), '0', '2')],
      ['empty', () => redis.tell('SET', entryOf(one), '')],
    ])('is not believed and is counted: a value that is %s', async (_, lie) => {
      const { cache } = await openConnected({ url: redis.url })
      cache.put([one, other])
      await until(async () => redis.tell('EXISTS', entryOf(one), entryOf(other)) === '2')

      lie()
      const found = await cache.get([one, other])

      expect(found.size).toBe(1)
      for (const record of found.values()) expect([one, other]).toContainEqual(record)
      expect(cache.counts()).toMatchObject({ hits: 1, ignored: 1 })
    })

    it('is not believed: a value made with another secret', async () => {
      const forger = await openConnected({ url: redis.url, secret: secret.toUpperCase() })
      const { cache } = await openConnected({ url: redis.url })
      forger.cache.put([one])
      await until(async () => redis.tell('EXISTS', entryOf(one)) === '1')

      expect(await cache.get([one])).toEqual(new Map())
      expect(cache.counts()).toMatchObject({ hits: 0, ignored: 1 })
    })

    it('knows nothing where a name holds what is no value', async () => {
      const { cache } = await openConnected({ url: redis.url })
      redis.tell('LPUSH', entryOf(one), 'a list')

      expect(await cache.get([one])).toEqual(new Map())
    })
  })

  it('knows nothing of what was flushed, and keeps what comes after', async () => {
    const { cache } = await openConnected({ url: redis.url })
    cache.put([one])
    expect((await cache.get([one])).size).toBe(1)

    redis.tell('FLUSHALL')
    expect((await cache.get([one])).size).toBe(0)
    cache.put([one])

    expect((await cache.get([one])).size).toBe(1)
  })

  it('goes on by itself when Redis was killed and is there again', async () => {
    const { cache, told } = await openConnected({ url: redis.url })
    cache.put([one])
    expect((await cache.get([one])).size).toBe(1)

    await redis.kill()
    await until(async () => !cache.isConnected())
    expect(await cache.get([one])).toEqual(new Map())
    cache.put([one])
    expect(cache.counts()).toMatchObject({ skipped: 2 })
    await redis.start()
    await until(async () => cache.isConnected())
    cache.put([other])

    expect(await cache.get([one, other])).toEqual(new Map([[other.id, other]]))
    expect(told).toHaveLength(1)
  })

  it('costs its budget a few times when Redis hangs, then nothing until it answers', async () => {
    const limits = { budgetMs: 200, failuresMax: 2, retryMs: 50 }
    const { cache, told } = await openConnected({ url: redis.url, ...limits })
    cache.put([one])
    expect((await cache.get([one])).size).toBe(1)

    redis.hang()
    onTestFinished(() => redis.wake())
    const costs: number[] = []
    for (const end = performance.now() + 1_500; performance.now() < end; await setImmediate()) {
      const begun = performance.now()
      expect(await cache.get([one])).toEqual(new Map())
      costs.push(performance.now() - begun)
    }

    expect(costs.filter((ms) => ms >= 190)).toHaveLength(2)
    expect(cache.counts()).toMatchObject({ hits: 1, errors: 2, skipped: costs.length - 2 })
    expect(told).toHaveLength(1)
    redis.wake()
    await until(async () => cache.isConnected())
    expect((await cache.get([one])).size).toBe(1)
  })

  it('does not blame Redis for a process that is busy itself', async () => {
    const { cache } = await openConnected({ url: redis.url, budgetMs: 20, failuresMax: 1 })
    cache.put([one])
    await until(async () => redis.tell('EXISTS', entryOf(one)) === '1')

    const found = cache.get([one])
    for (let turn = 0; turn < 5; turn += 1) {
      await setImmediate()
      for (const end = performance.now() + 100; performance.now() < end; );
    }

    expect(await found).toEqual(new Map([[one.id, one]]))
  })

  it('keeps no more on its way to a Redis that hangs than it may', async () => {
    const { cache } = await openConnected({ url: redis.url, waitingBytesMax: 100_000 })
    redis.hang()
    onTestFinished(() => redis.wake())

    cache.put(Array.from({ length: 1_000 }, (_, n) => decided(`waiting ${n}`, { size: 1_000 })))
    const { skipped } = cache.counts()
    redis.wake()
    await until(async () => redis.tell('DBSIZE') === String(1_000 - skipped))

    expect(skipped).toBeGreaterThanOrEqual(900)
    expect(skipped).toBeLessThan(950)
    cache.put([one])
    expect((await cache.get([one])).size).toBe(1)
  })

  it('replays all the same where Redis is full and takes nothing more', async () => {
    const { cache } = await openConnected({ url: redis.url })
    cache.put([one])
    expect((await cache.get([one])).size).toBe(1)
    redis.tell('CONFIG', 'SET', 'maxmemory', '1')
    onTestFinished(() => void redis.tell('CONFIG', 'SET', 'maxmemory', '0'))

    cache.put([other])

    expect(await cache.get([one, other])).toEqual(new Map([[one.id, one]]))
    expect(cache.counts()).toMatchObject({ errors: 1 })
  })

  it('leaves a Redis alone that refuses it, and says why without the password', async () => {
    redis.tell('ACL', 'SETUSER', 'ann', 'on', '>right', '~*', '+@all')
    const url = `redis://ann:wrong-password@127.0.0.1:${redis.port}`
    const { cache, told } = open({ url })

    await until(async () => told.length > 0)

    expect(await cache.get([one])).toEqual(new Map())
    expect(cache.isConnected()).toBe(false)
    const message = expect.stringMatching(/^Redis is left alone .*\(WRONGPASS [^\n]*\)$/)
    expect(told[0]).toMatchObject({ code: 'left-alone', message })
    expect(JSON.stringify(told) + String(told)).not.toContain('wrong-password')
    const right = `redis://ann:right@127.0.0.1:${redis.port}`
    await openConnected({ url: right })
  })

  it('has written what was put before when it is closed, and then knows nothing', async () => {
    const { cache } = await openConnected({ url: redis.url })

    cache.put([one])
    await cache.close()

    expect(redis.tell('EXISTS', entryOf(one))).toBe('1')
    expect(await cache.get([one])).toEqual(new Map())
    cache.put([other])
    await cache.close()
    expect(redis.tell('EXISTS', entryOf(other))).toBe('0')
  })
})

describe('a replay cache of what is no Redis', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['accepts and never answers', () => {}],
    [
      'answers as HTTP does',
      (socket) =>
        socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n')),
    ],
    [
      'answers an error to everything',
      (socket) => socket.on('data', () => socket.write('-NO\r\n')),
    ],
    ['answers with other things', (socket) => socket.on('data', () => socket.write(':1\r\n'))],
    [
      'answers with more values than were asked for',
      (socket) => socket.on('data', () => socket.write('*2\r\n$3\r\nabc\r\n$3\r\nabc\r\n')),
    ],
    [
      'answers with values of another type',
      (socket) => socket.on('data', () => socket.write('*1\r\n:7\r\n')),
    ],
    ['says more than it was asked', (socket) => socket.write('+OK\r\n*1\r\n$-1\r\n:7\r\n')],
    ['promises a value and does not send it', (socket) => socket.write('*1\r\n$9999\r\nabc')],
    ['hangs up', (socket) => socket.destroy()],
    ['hangs up when spoken to', (socket) => socket.on('data', () => socket.destroy())],
  ])('knows nothing, at once, where somebody %s', async (_, speak) => {
    const { url, sockets } = await listenAs(speak)
    const { cache, told } = open({ url, budgetMs: 50 })
    await until(async () => {
      expect(await cache.get([decided('one')])).toEqual(new Map())
      cache.put([decided('one')])
      return told.length > 0
    })

    expect(await cache.get([decided('one')])).toEqual(new Map())
    expect(cache.counts().hits).toBe(0)
    await cache.close()
    await until(async () => sockets.size === 0)
  })

  it('leaves no connection behind when it is closed while it connects', async () => {
    const { url, sockets, met } = await listenAs(() => {})

    await open({ url }).cache.close()
    await until(async () => met() > 0 && sockets.size === 0)
  })

  it('takes no secret that could be guessed', () => {
    expect(() => redisReplayCache({ url: 'redis://127.0.0.1', secret: 'short' })).toThrow(TypeError)
  })
})

/** Somebody who listens and speaks as told, with those who are connected now. */
async function listenAs(speak: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  let met = 0
  const server = createServer((socket) => {
    met += 1
    sockets.add(socket.on('error', () => {}))
    socket.on('close', () => sockets.delete(socket))
    speak(socket.resume())
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { url: `redis://127.0.0.1:${port}`, sockets, met: () => met }
}
