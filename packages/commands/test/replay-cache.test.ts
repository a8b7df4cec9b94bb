import {
  type CommandRecord,
  commandId,
  composeCaches,
  fingerprintOf,
  type ProcessCacheOptions,
  processReplayCache,
  type ReplayCache,
  serviceScope,
} from '@semel/commands'
import { replayCacheConformance } from '@semel/commands/cache-conformance'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const scope = serviceScope('cache')

replayCacheConformance('a process', async () => ({
  cache: processReplayCache(),
  close: async () => undefined,
}))

replayCacheConformance('one process cache behind another', async () => ({
  cache: composeCaches(processReplayCache({ entriesMax: 4 }), processReplayCache()),
  close: async () => undefined,
}))

describe('composed replay caches', () => {
  function watched(cache: ReplayCache) {
    const asked: (readonly string[])[] = []
    const get: ReplayCache['get'] = (commands) => {
      asked.push(commands.map(({ id }) => id))
      return cache.get(commands)
    }
    return { asked, cache: { ...cache, get } }
  }

  it('ask a farther one only for what the nearer did not know, and tell the nearer', async () => {
    const [near, far] = [processReplayCache(), processReplayCache()].map(watched)
    const cache = composeCaches(near!.cache, far!.cache)
    const [both, behind, absent] = ['both', 'behind', 'absent'].map((key) => recordOf(key))
    cache.put([both!])
    far!.cache.put([behind!])

    const found = await kept(cache, [both!, behind!, absent!])
    const again = await kept(cache, [both!, behind!])

    expect(found).toEqual([both, behind])
    expect(again).toEqual([both, behind])
    expect(far!.asked).toEqual([[behind!.id, absent!.id]])
    expect(near!.asked).toHaveLength(2)
  })
})

describe('the replay cache of a process', () => {
  it('keeps an answer in use, however many others come', async () => {
    const cache = processReplayCache({ entriesMax: 10 })
    const used = recordOf('used')
    cache.put([used])

    for (let n = 0; n < 100; n += 1) {
      cache.put([recordOf(`other ${n}`)])
      if (n % 4 === 0) expect(await kept(cache, [used])).toEqual([used])
    }

    expect(await kept(cache, [used])).toEqual([used])
  })

  it('keeps the last half of what it may keep, whether it was asked for or not', async () => {
    const records = Array.from({ length: 23 }, (_, n) => recordOf(`${n}`))
    const cache = processReplayCache({ entriesMax: 10 })

    cache.put(records)

    expect(await kept(cache, records.slice(-5))).toEqual(records.slice(-5))
  })

  it('forgets an answer that nobody asks for once all of it was filled with others', async () => {
    const unused = recordOf('unused')
    const cache = processReplayCache({ entriesMax: 10 })
    cache.put([unused])

    cache.put(Array.from({ length: 10 }, (_, n) => recordOf(`other ${n}`)))

    expect(await kept(cache, [unused])).toEqual([])
  })

  it('never keeps more answers or bytes than it may, whatever is put and asked for', async () => {
    const step = fc.record({
      does: fc.constantFrom('put', 'get'),
      key: fc.integer({ min: 0, max: 11 }),
      size: fc.integer({ min: 0, max: 40 }),
    })
    const bounds = fc.record({
      entriesMax: fc.integer({ min: 0, max: 9 }),
      bytesMax: fc.integer({ min: 0, max: 90 }),
    })
    await fc.assert(
      fc.asyncProperty(bounds, fc.array(step, { maxLength: 40 }), async (options, steps) => {
        const all: CommandRecord[] = []
        for (let key = 0; key < 12; key += 1) {
          // Looking changes what is kept: each key is looked for in a cache of its own.
          const cache = await cacheAfter(options, steps)
          all.push(...(await kept(cache, [recordOf(`${key}`)])))
        }

        expect(all.length).toBeLessThanOrEqual(options.entriesMax)
        expect(bytesOf(all)).toBeLessThanOrEqual(options.bytesMax)
      }),
    )
  })

  it('counts the bytes of an answer once, however often it is put', async () => {
    const cache = processReplayCache({ bytesMax: 160 })
    const one = recordOf('one', 40)
    const others = ['a', 'b', 'c'].map((key) => recordOf(key, 40))

    cache.put([one, one, ...others])

    expect(await kept(cache, [one])).toEqual([one])
  })

  it('does not keep an answer of more than half of all it may keep, nor tombstones', async () => {
    const cache = processReplayCache({ bytesMax: 20 })
    const [half, more] = [recordOf('half', 10), recordOf('more', 11)]
    const tombstone = { ...recordOf('tombstone'), answer: undefined }

    cache.put([half, more, tombstone])

    expect(await kept(cache, [half, more, tombstone])).toEqual([half])
  })
})

type Step = Readonly<{ does: string; key: number; size: number }>

async function cacheAfter(
  options: ProcessCacheOptions,
  steps: readonly Step[],
): Promise<ReplayCache> {
  const cache = processReplayCache(options)
  for (const { does, key, size } of steps) {
    const record = recordOf(`${key}`, size)
    if (does === 'put') cache.put([record])
    else await cache.get([record])
  }
  return cache
}

async function kept(cache: ReplayCache, records: readonly CommandRecord[]) {
  return [...(await cache.get(records)).values()]
}

function bytesOf(records: readonly CommandRecord[]): number {
  return records.reduce((sum, { answer }) => sum + answer!.body.length, 0)
}

function recordOf(key: string, size = 1): CommandRecord {
  return {
    id: commandId(scope, 'cache', key),
    scope,
    operation: 'cache',
    key,
    fingerprint: fingerprintOf('cache', key),
    answer: { status: 200, headers: {}, body: Buffer.alloc(size) },
    decidedAt: new Date(0),
    replayableUntil: new Date(1),
  }
}
