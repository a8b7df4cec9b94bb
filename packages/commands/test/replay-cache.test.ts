import {
  type CommandRecord,
  commandId,
  fingerprintOf,
  processReplayCache,
  serviceScope,
} from '@semel/commands'
import { describe, expect, it } from 'vitest'

const scope = serviceScope('cache')

describe('the replay cache of a process', () => {
  it('keeps no more answers than it may; the least recently used goes first', async () => {
    const cache = processReplayCache({ entriesMax: 2 })
    const [a, b, c] = [recordOf('a'), recordOf('b'), recordOf('c')] as const
    cache.put([a, b])
    await cache.get([a.id])
    cache.put([c])

    expect([...(await cache.get([a.id, b.id, c.id])).values()]).toEqual([a, c])
  })

  it('keeps no more bytes than it may', async () => {
    const cache = processReplayCache({ bytesMax: 100 })
    const records = ['a', 'b', 'c'].map((key) => recordOf(key, 40))
    cache.put(records)
    cache.put(records.slice(2))

    const found = await cache.get(records.map(({ id }) => id))

    expect([...found.values()]).toEqual(records.slice(1))
  })

  it('does not keep an answer that is larger than all it may keep, nor tombstones', async () => {
    const cache = processReplayCache({ bytesMax: 10 })
    const large = recordOf('large', 11)
    const tombstone = { ...recordOf('tombstone'), answer: undefined }
    cache.put([large, tombstone])

    expect((await cache.get([large.id, tombstone.id])).size).toBe(0)
  })
})

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
