import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandId } from './command.ts'
import { fingerprintOf } from './fingerprint.ts'
import { serviceScope } from './scope.ts'
import type { CommandRecord, Store } from './store.ts'

const scope = serviceScope('conformance')
const decidedAt = new Date('2026-01-01T00:00:00.000Z')
const replayableUntil = new Date('2026-01-02T00:00:00.000Z')

/** An open log, and a second view of it, as another process has it. */
interface Log<Tx> {
  store: Store<Tx>
  rival: Store<Tx>
}

/**
 * What every store must do. Call it from a test file with a way to open an empty store; `rival`
 * is a second view of the same log, as another process has it.
 */
export function storeConformance<Tx>(
  name: string,
  open: () => Promise<Log<Tx> & { close(): Promise<void> }>,
): void {
  describe(`the command log of ${name}`, () => {
    const log = {} as Log<Tx> & { close(): Promise<void> }
    beforeAll(async () => void Object.assign(log, await open()))
    afterAll(() => log.close())

    keepsRecords(log)
    settlesRaces(log)
    ages(log)
  })
}

function keepsRecords<Tx>(log: Log<Tx>): void {
  it('gives back a record as it was put in, to the byte', async () => {
    const record = recordNamed('as it was')

    await insertInto(log, record)

    expect(await foundIn(log, record)).toEqual(record)
  })

  it('finds many at once and leaves out what is not there', async () => {
    const [one, two, three] = [recordNamed('one'), recordNamed('two'), recordNamed('three')]
    await insertInto(log, one, two)

    const all = await log.store.transaction((tx) => log.store.find(tx, [one.id, three.id, two.id]))

    expect([...all.keys()].sort()).toEqual([one.id, two.id].sort())
  })

  it('keeps nothing of a transaction whose work throws', async () => {
    const record = recordNamed('thrown')
    const failing = log.store.transaction(async (tx) => {
      await log.store.insert(tx, [record])
      throw new Error('after the insert')
    })

    await expect(failing).rejects.toThrow('after the insert')
    expect(await foundIn(log, record)).toBeUndefined()
  })
}

function settlesRaces<Tx>(log: Log<Tx>): void {
  it('runs the work of the second again when two insert one command at once', async () => {
    const record = recordNamed('raced')
    const bothHaveLooked = barrier(2)
    let runs = 0
    const decide = (by: Store<Tx>) =>
      by.transaction(async (tx) => {
        runs += 1
        const known = await by.find(tx, [record.id])
        await bothHaveLooked()
        if (known.has(record.id)) return 'found'
        await by.insert(tx, [record])
        return 'inserted'
      })

    const ends = await Promise.all([decide(log.store), decide(log.rival)])

    expect(ends.toSorted()).toEqual(['found', 'inserted'])
    expect(runs).toBe(3)
  })

  it('keeps nothing of work that blindly inserts a decided command, and runs it anew', async () => {
    const [record, other] = [recordNamed('blind'), recordNamed('beside the blind')]
    await insertInto(log, record)
    let runs = 0

    const blind = log.store.transaction(async (tx) => {
      runs += 1
      if (runs > 1) return 'gave up'
      await log.store.insert(tx, [other])
      await log.store.insert(tx, [record])
      return 'inserted'
    })

    expect(await blind).toBe('gave up')
    expect(await foundIn(log, other)).toBeUndefined()
  })
}

function ages<Tx>(log: Log<Tx>): void {
  it('lets an answer age into a tombstone and a tombstone be forgotten', async () => {
    const record = recordNamed('aging')
    await insertInto(log, record)
    const at = (replayableBefore: Date, decidedBefore: Date) =>
      log.store.sweep({ replayableBefore, decidedBefore, batchSizeMax: 1000 })

    await at(replayableUntil, decidedAt)
    expect((await foundIn(log, record))?.answer).toEqual(record.answer)

    await at(later(replayableUntil), decidedAt)
    const tombstone = await foundIn(log, record)
    expect(tombstone?.answer).toBeUndefined()
    expect(tombstone?.fingerprint).toEqual(record.fingerprint)

    await at(later(replayableUntil), later(decidedAt))
    expect(await foundIn(log, record)).toBeUndefined()
  })

  it('sweeps no more at once than it is told to', async () => {
    await insertInto(log, ...['a', 'b', 'c'].map((key) => recordNamed(`swept ${key}`)))
    const ages = { replayableBefore: later(replayableUntil), decidedBefore: new Date(0) }

    const first = await log.store.sweep({ ...ages, batchSizeMax: 2 })

    expect(first).toEqual({ answers: 2, tombstones: 0 })
  })

  it('is ready while it can be written', async () => {
    await expect(log.store.probe()).resolves.toBeUndefined()
  })
}

async function insertInto<Tx>({ store }: Log<Tx>, ...records: CommandRecord[]): Promise<void> {
  await store.transaction((tx) => store.insert(tx, records))
}

async function foundIn<Tx>(
  { rival }: Log<Tx>,
  { id }: CommandRecord,
): Promise<CommandRecord | undefined> {
  return (await rival.transaction((tx) => rival.find(tx, [id]))).get(id)
}

function recordNamed(key: string): CommandRecord {
  return {
    id: commandId(scope, 'conform', `h:${key}`),
    scope,
    operation: 'conform',
    key: `h:${key}`,
    fingerprint: fingerprintOf('conform', { key, text: '💶 "quoted" \\ {}' }),
    answer: {
      status: 201,
      headers: { 'content-type': 'application/json; charset=utf-8', location: '/things/1' },
      body: Buffer.from(JSON.stringify({ key, text: '💶 "quoted" \\ {,}', none: null })),
    },
    decidedAt,
    replayableUntil,
  }
}

function later(time: Date): Date {
  return new Date(time.getTime() + 1)
}

/** Resolves for all when `count` have come; for whoever comes after, at once. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let come = 0
  return () => {
    come += 1
    if (come >= count) resolve()
    return promise
  }
}
