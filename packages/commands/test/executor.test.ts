import { type Outcome, processReplayCache, sweepCommands, userScope } from '@semel/commands'
import { describe, expect, it } from 'vitest'
import {
  add,
  type CountersOptions,
  counterId,
  counters,
  memoryCounters,
  otherId,
} from './counter.ts'

const ann = userScope('-', 'aaaaaaaa-0000-4000-8000-000000000000')
const bob = userScope('-', 'bbbbbbbb-0000-4000-8000-000000000000')

/** A store whose next transactions wait at the door until they are let in. */
function gatedCounters(options: CountersOptions = {}) {
  const { database, store, make, count } = counters(options)
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const executor = make({
    store: {
      ...store,
      async transaction(work) {
        arrive()
        await opened
        return store.transaction(work)
      },
    },
  })
  return { database, executor, count, open, arrived }
}

function bodyOf(outcome: Outcome): unknown {
  if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`)
  return JSON.parse(outcome.answer.body.toString())
}

describe('an executor', () => {
  it('gives a repeat the first answer, marked as replayed, and has no second effect', async () => {
    const { executor, count } = counters()

    const first = await executor.submit(add(ann, 'k', 3))
    const repeat = await executor.submit(add(ann, 'k', 3))

    expect(first).toMatchObject({ kind: 'answered', replayed: false, reused: false })
    expect(repeat).toEqual({ ...first, replayed: true })
    expect(count()).toBe(3)
  })

  it('decides one of many at once under one key; the others get its answer', async () => {
    const { executor, count, database } = counters()

    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => executor.submit(add(ann, 'k', 3))),
    )

    const told = outcomes.map((outcome) => outcome.kind === 'answered' && outcome.replayed)
    expect(told.filter((replayed) => !replayed)).toHaveLength(1)
    expect(new Set(outcomes.map((outcome) => JSON.stringify(bodyOf(outcome)))).size).toBe(1)
    expect(count()).toBe(3)
    expect(database.messages).toHaveLength(1)
  })

  it('decides one of many at once over several executors on one log', async () => {
    const { make, count } = counters()
    const executors = [make(), make(), make()]

    const outcomes = await Promise.all(
      executors.flatMap((executor) => [1, 2, 3].map(() => executor.submit(add(ann, 'k', 3)))),
    )

    expect(new Set(outcomes.map((outcome) => JSON.stringify(bodyOf(outcome)))).size).toBe(1)
    expect(count()).toBe(3)
  })

  it('refuses a key that comes again with another body, also while the first is running', async () => {
    const { executor, count, open, arrived } = gatedCounters()
    const first = executor.submit(add(ann, 'k', 3))
    await arrived
    const other = executor.submit(add(ann, 'k', 999))
    open()

    expect(bodyOf(await first)).toEqual({ id: counterId, count: 3 })
    expect(await other).toEqual({ kind: 'key-reused' })
    expect(await executor.submit(add(ann, 'k', 4))).toEqual({ kind: 'key-reused' })
    expect(count()).toBe(3)
  })

  it('gives the first answer to a reused key when asked to, and says so', async () => {
    const { executor, count } = counters()
    await executor.submit(add(ann, 'k', 3))

    const outcome = await executor.submit(add(ann, 'k', 4), { onReuse: 'replay' })

    expect(outcome).toMatchObject({ kind: 'answered', replayed: true, reused: true })
    expect(count()).toBe(3)
  })

  it('keeps callers apart: the same key of another scope is another command', async () => {
    const { executor, count } = counters()

    await executor.submit(add(ann, 'k', 3))
    const bobs = await executor.submit(add(bob, 'k', 4))

    expect(bobs).toMatchObject({ replayed: false })
    expect(count()).toBe(7)
  })

  it('folds a batch in arrival order over one state', async () => {
    const { executor, count } = counters()

    const outcomes = await Promise.all(
      [600, 300, 200, 100].map((n) => executor.submit(add(ann, `${n}`, n))),
    )

    expect(outcomes.map((outcome) => outcome.kind === 'answered' && outcome.answer.status)).toEqual(
      [201, 201, 409, 201],
    )
    expect(count()).toBe(1000)
  })

  it('replays a refusal too: what was refused once stays refused', async () => {
    const { executor } = counters()
    await executor.submit(add(ann, 'a', 900))
    const refused = await executor.submit(add(ann, 'b', 200))
    await executor.submit(add(ann, 'c', -800))

    expect(await executor.submit(add(ann, 'b', 200))).toEqual({ ...refused, replayed: true })
  })

  it('fails a command that breaks its decider, alone and without a trace', async () => {
    const { executor, count, database } = counters()

    const ends = await Promise.allSettled(
      [1, 666, 2].map((n) => executor.submit(add(ann, `${n}`, n))),
    )

    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(ends[1]).toMatchObject({ reason: { code: 'command-failed' } })
    expect(count()).toBe(3)
    expect(database.tables.get('commands')?.size).toBe(2)
  })

  it('hunts a command that cannot be saved by halves; its neighbours never notice', async () => {
    const { store, make, count } = counters()
    const executor = make({
      repository: {
        load: memoryCounters.load,
        async save(tx, changed) {
          if (changed.some(({ count }) => count < 0)) throw new Error('below zero')
          await memoryCounters.save(tx, changed)
        },
      },
      store,
    })
    const ids = Array.from({ length: 64 }, (_, n) => `018f0000-0000-7000-8000-0000000000${n + 10}`)

    const ends = await Promise.allSettled(
      ids.map((id, n) => executor.submit(add(ann, id, n === 40 ? -1 : 1, id))),
    )

    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(ends[40]?.status).toBe('rejected')
    expect(ids.map((id) => count(id)).filter((n) => n === 1)).toHaveLength(63)
  })

  it('turns commands away when its queue is full, and says that nothing happened', async () => {
    const { executor, count, open, arrived } = gatedCounters({ queueMax: 2, batchSizeMax: 1 })
    const running = executor.submit(add(ann, 'running', 1))
    await arrived
    const waiting = ['a', 'b'].map((key) => executor.submit(add(ann, key, 1)))
    expect(executor.hasRoom()).toBe(false)

    const turnedAway = await executor.submit(add(ann, 'c', 1))
    open()
    await Promise.all([running, ...waiting])

    expect(turnedAway).toMatchObject({ kind: 'unavailable', effect: 'none' })
    expect(count()).toBe(3)
  })

  it('turns what is new away while nothing may be told, and answers repeats', async () => {
    let isFull = false
    const { executor, count, make } = counters({ mayTell: () => !isFull })
    const first = await executor.submit(add(ann, 'k', 3))

    isFull = true
    const repeats = [executor, make({ mayTell: () => false })].map((one) =>
      one.submit(add(ann, 'k', 3)),
    )
    const fresh = await executor.submit(add(ann, 'new', 1))
    isFull = false
    const later = await executor.submit(add(ann, 'new', 1))

    expect(await Promise.all(repeats)).toEqual([
      { ...first, replayed: true },
      { ...first, replayed: true },
    ])
    expect(fresh).toMatchObject({ kind: 'unavailable', effect: 'none' })
    expect(later).toMatchObject({ kind: 'answered', replayed: false })
    expect(count()).toBe(4)
  })

  it('lets a repeat wait only so long for the first', async () => {
    const { executor, open, arrived } = gatedCounters({ joinWaitMaxMs: 20 })
    const first = executor.submit(add(ann, 'k', 3))
    await arrived

    const repeat = await executor.submit(add(ann, 'k', 3))
    open()

    expect(repeat).toEqual({ kind: 'in-flight' })
    expect(bodyOf(await first)).toEqual({ id: counterId, count: 3 })
  })

  it('recalls what was decided and decides nothing itself', async () => {
    const { executor, count } = counters()

    expect(await executor.recall(add(ann, 'k', 3))).toBeUndefined()
    const first = await executor.submit(add(ann, 'k', 3))

    expect(await executor.recall(add(ann, 'k', 3))).toEqual({ ...first, replayed: true })
    expect(await executor.recall(add(ann, 'k', 4))).toEqual({ kind: 'key-reused' })
    expect(count()).toBe(3)
  })

  it('executes a command whose key is being recalled with an invalid input', async () => {
    const { executor, count } = counters()

    const [recalled, submitted] = await Promise.all([
      executor.recall(add(ann, 'k', 4)),
      executor.submit(add(ann, 'k', 3)),
    ])

    expect(recalled).toBeUndefined()
    expect(submitted).toMatchObject({ kind: 'answered', replayed: false })
    expect(count()).toBe(3)
  })

  it('answers a repeat from its cache when the command log is gone', async () => {
    const { store, make } = counters()
    let gone = false
    const executor = make({
      cache: processReplayCache(),
      store: {
        ...store,
        transaction: (work) =>
          gone ? Promise.reject(new Error('no log')) : store.transaction(work),
      },
    })
    const first = await executor.submit(add(ann, 'k', 3))
    gone = true

    expect(await executor.submit(add(ann, 'k', 3))).toEqual({ ...first, replayed: true })
  })

  it('answers a repeat that its cache knows at once, however full the queue is', async () => {
    const cache = processReplayCache()
    const { store, make } = counters({ cache })
    const first = await make().submit(add(ann, 'k', 3))
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const executor = make({
      queueMax: 1,
      batchSizeMax: 1,
      store: { ...store, transaction: (work) => opened.then(() => store.transaction(work)) },
    })
    const others = ['running', 'waiting'].map((key) => executor.submit(add(ann, key, 1)))

    const repeat = await executor.submit(add(ann, 'k', 3))
    open()
    await Promise.all(others)

    expect(repeat).toEqual({ ...first, replayed: true })
  })

  it('says that a key is expired once its answer is no longer replayable, swept or not', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    const { store, executor, count } = counters({ clock: () => now, replayableMs: 1000 })
    await executor.submit(add(ann, 'k', 3))
    now = new Date('2026-01-01T00:00:01Z')

    expect(await executor.submit(add(ann, 'k', 3))).toEqual({ kind: 'key-expired' })
    now = new Date('2026-01-01T00:00:02Z')
    expect(await sweepCommands(store, { clock: () => now })).toEqual({ answers: 1, tombstones: 0 })
    expect(await executor.submit(add(ann, 'k', 3))).toEqual({ kind: 'key-expired' })
    expect(count()).toBe(3)
  })

  it('does not guess whether a repeat is the same that a newer release has recorded', async () => {
    const { database, executor } = counters()
    const command = add(ann, 'k', 3)
    await executor.submit(command)
    const rows = database.tables.get('commands')!
    const row = rows.get(command.id) as { fingerprint: { hash: Buffer } }
    rows.set(command.id, { ...row, fingerprint: { version: 99, hash: row.fingerprint.hash } })

    const outcome = await executor.submit(command)

    expect(outcome).toMatchObject({ kind: 'unavailable', effect: 'none' })
  })

  it('finishes what it has taken before it is closed, and takes nothing after', async () => {
    const { executor, count, open, arrived } = gatedCounters()
    const taken = executor.submit(add(ann, 'k', 3))
    await arrived

    const closed = executor.close()
    const late = await executor.submit(add(ann, 'late', 3))
    open()
    await closed

    expect(bodyOf(await taken)).toEqual({ id: counterId, count: 3 })
    expect(late).toMatchObject({ kind: 'unavailable', effect: 'none' })
    expect(count()).toBe(3)
  })

  it('gives counters that are named in any letter case to one aggregate', async () => {
    const { executor, count } = counters()

    await executor.submit(add(ann, 'k', 3, otherId.toUpperCase()))

    expect(count(otherId)).toBe(3)
  })
})
