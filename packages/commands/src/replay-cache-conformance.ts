import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandId } from './command.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { ReplayCache } from './replay-cache.ts'
import { serviceScope } from './scope.ts'
import type { CommandRecord } from './store.ts'

const scope = serviceScope('conformance')

type Open = Readonly<{ cache: ReplayCache; close(): Promise<void> }>

/**
 * What every replay cache must do that has room and is not in trouble. Call it from a test file
 * with a way to open an empty one.
 */
export function replayCacheConformance(name: string, open: () => Promise<Open>): void {
  describe(`the replay cache of ${name}`, () => {
    const opened = {} as { -readonly [Name in keyof Open]: Open[Name] }
    beforeAll(async () => void Object.assign(opened, await open()))
    afterAll(() => opened.close())
    keepsRecords(opened)
    answersWhoAsks(opened)
  })
}

function keepsRecords(opened: Open): void {
  it('gives back a record as it was put in, to the byte', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const headers = { 'content-type': 'application/json', etag: '"1-päid"' }
    const record = { ...recordNamed('as it was'), answer: { status: 201, headers, body } }

    opened.cache.put([record])

    expect(await foundIn(opened, record)).toEqual([record])
  })

  it('keeps an answer that has no body', async () => {
    const record = { ...recordNamed('empty'), answer: emptyAnswer }

    opened.cache.put([record])

    expect(await foundIn(opened, record)).toEqual([record])
  })

  it('finds many at once and leaves out what is not there', async () => {
    const [one, two, absent] = ['many 1', 'many 2', 'many 3'].map(recordNamed)
    opened.cache.put([one!, two!])

    const all = await opened.cache.get([one!, absent!, two!])

    expect(all).toEqual(
      new Map([
        [one!.id, one],
        [two!.id, two],
      ]),
    )
  })
}

function answersWhoAsks(opened: Open): void {
  it('gives everybody who asks at once what they asked for, and nothing else', async () => {
    const records = Array.from({ length: 600 }, (_, n) => recordNamed(`at once ${n}`))
    opened.cache.put(records)

    const answers = await Promise.all(records.map((record) => opened.cache.get([record])))

    expect(answers).toEqual(records.map((record) => new Map([[record.id, record]])))
  })

  it('knows nothing of what it is not asked for', async () => {
    opened.cache.put([recordNamed('unasked')])

    expect(await opened.cache.get([])).toEqual(new Map())
  })

  it('keeps no tombstones: they have no answer', async () => {
    const tombstone = { ...recordNamed('tombstone'), answer: undefined }

    opened.cache.put([tombstone])

    expect(await foundIn(opened, tombstone)).toEqual([])
  })

  it('keeps the record that was put last', async () => {
    const first = recordNamed('twice')
    const last = { ...first, answer: { ...emptyAnswer, status: 409 } }

    opened.cache.put([first])
    opened.cache.put([last])

    expect(await foundIn(opened, first)).toEqual([last])
  })
}

async function foundIn({ cache }: Open, record: CommandRecord): Promise<readonly CommandRecord[]> {
  return [...(await cache.get([record])).values()]
}

const emptyAnswer = { status: 204, headers: {}, body: Buffer.alloc(0) }

function recordNamed(key: string): CommandRecord {
  const decidedAt = new Date()
  return {
    id: commandId(scope, 'conform', key),
    scope,
    operation: 'conform',
    key: `h:${key}`,
    fingerprint: fingerprintOf('conform', { key }),
    answer: { status: 201, headers: {}, body: Buffer.from(JSON.stringify({ key })) },
    decidedAt,
    replayableUntil: new Date(decidedAt.getTime() + 60_000),
  }
}
