import {
  type Carried,
  guidOf,
  processReplayCache,
  serviceScope,
  Unavailable,
  UnknownFingerprintRule,
  userScope,
} from '@semel/commands'
import type { memoryDatabase, memoryStore } from '@semel/commands/memory'
import { describe, expect, it } from 'vitest'
import {
  add,
  type CountersOptions,
  counterDecider,
  counterId,
  counters,
  otherId,
} from './counter.ts'

const ann = userScope('-', 'aaaaaaaa-0000-4000-8000-000000000000')

/** Carried under the counter's id. */
function carried(key: string, amount: number, id = counterId, recall = false): Carried {
  return { command: add(ann, key, amount, id), partitionKey: id, recall }
}

/** A store that refuses, by a constraint, whatever holds a command of these keys. */
function refusing(store: ReturnType<typeof memoryStore>, ...keys: string[]): typeof store {
  return {
    ...store,
    async insert(tx, records) {
      const hit = records.find(({ key }) => keys.includes(key))
      if (hit) throw Object.assign(new Error(`${hit.key} breaks a constraint`))
      await store.insert(tx, records)
    },
  }
}

describe('commands that a topic carried', () => {
  it('are cached for whoever repeats them over HTTP, but for the reactions of services', async () => {
    const cache = processReplayCache()
    const { executor } = counters({ cache })
    const asked = carried('asked', 1)
    const reaction = { ...asked, command: add(serviceScope('billing'), 'reaction', 1) }

    await executor.submitCarried([asked, reaction])

    const known = await cache.get([asked.command, reaction.command])
    expect([...known.keys()]).toEqual([asked.command.id])
  })

  it('are decided in the order they came', async () => {
    const { database, executor } = counters()

    const outcomes = await executor.submitCarried([
      carried('one', 1),
      carried('two', 2),
      carried('three', 3),
    ])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'decided', 'decided'])
    expect(database.messages.map(({ body }) => body)).toEqual([
      { count: 1 },
      { count: 3 },
      { count: 6 },
    ])
  })

  it('take effect once when one comes twice in a batch', async () => {
    const { executor, count } = counters()

    const outcomes = await executor.submitCarried([carried('one', 1), carried('one', 1)])

    expect(outcomes).toEqual([{ kind: 'decided' }, { kind: 'known' }])
    expect(count()).toBe(1)
  })

  it('are one command with what came over HTTP under the same key', async () => {
    const { executor, count } = counters()

    await executor.submit(add(ann, 'one', 1))
    const outcomes = await executor.submitCarried([carried('one', 1)])
    await executor.submitCarried([carried('two', 2)])
    const repeat = await executor.submit(add(ann, 'two', 2))

    expect(outcomes).toEqual([{ kind: 'known' }])
    expect(repeat).toMatchObject({ kind: 'answered', replayed: true })
    expect(count()).toBe(3)
  })

  it('are not decided behind one that failed, under the same partition key alone', async () => {
    const { executor, count } = counters()

    const outcomes = await executor.submitCarried([
      carried('one', 1),
      carried('poison', 666),
      carried('two', 2),
      carried('other', 5, otherId),
    ])

    expect(outcomes).toMatchObject([
      { kind: 'decided' },
      { kind: 'failed', error: { message: 'the decider has a bug' } },
      { kind: 'behind' },
      { kind: 'decided' },
    ])
    expect([count(), count(otherId)]).toEqual([1, 5])
  })

  it('are done where they were decided before, also behind one that failed', async () => {
    const { executor, count } = counters()
    await executor.submitCarried([carried('one', 1)])

    const outcomes = await executor.submitCarried([carried('poison', 666), carried('one', 1)])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'known'])
    expect(count()).toBe(1)
  })

  it('are not decided where their transaction finds them held back', async () => {
    const { database, make, count } = counters()
    const executor = make({ batchSizeMax: 2 })
    await executor.submitCarried([carried('known', 1)])
    const [known, held, aside] = ['known', 'held', 'aside'].map((key) => carried(key, 1))
    const batch = [known!, held!, carried('free', 1, otherId), aside!]
    const read: unknown[] = []

    const outcomes = await executor.submitCarried(batch, async (tx) => {
      read.push(tx.read('counters', counterId))
      return new Map([
        [batch[0]!, 'held'],
        [batch[1]!, 'held'],
        [batch[3]!, 'aside'],
      ])
    })

    expect(outcomes.map(({ kind }) => kind)).toEqual(['known', 'held', 'decided', 'aside'])
    expect(read).toMatchObject([{ count: 1 }, { count: 1 }])
    expect([count(), count(otherId), database.tables.get('commands')?.size]).toEqual([1, 1, 2])
  })

  it('stay behind one that was held back, also when what held it has gone meanwhile', async () => {
    const { make, count } = counters()
    const executor = make({ batchSizeMax: 1 })
    const batch = [carried('held', 1), carried('next', 2), carried('other', 5, otherId)]
    let reads = 0

    const outcomes = await executor.submitCarried(batch, async () => {
      reads += 1
      return new Map(reads === 1 ? [[batch[0]!, 'held']] : [])
    })

    expect(outcomes.map(({ kind }) => kind)).toEqual(['held', 'held', 'decided'])
    expect([reads, count(), count(otherId)]).toEqual([3, 0, 5])
  })

  it('stay behind one that a constraint refuses, across the halves of the hunt', async () => {
    const { store, make, count } = counters()
    const executor = make({ store: refusing(store, 'h:poison') })

    const outcomes = await executor.submitCarried([
      carried('poison', 1),
      carried('other', 5, otherId),
      carried('two', 2),
      carried('three', 3),
      carried('more', 6, otherId),
    ])

    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'failed',
      'decided',
      'behind',
      'behind',
      'decided',
    ])
    expect([count(), count(otherId)]).toEqual([0, 11])
  })

  it('stay behind one that failed in an earlier transaction of the same batch', async () => {
    const { make, count } = counters()
    const executor = make({ batchSizeMax: 2 })

    const outcomes = await executor.submitCarried([
      carried('one', 1),
      carried('poison', 666),
      carried('two', 2),
      carried('other', 5, otherId),
    ])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'failed', 'behind', 'decided'])
    expect([count(), count(otherId)]).toEqual([1, 5])
  })

  it('wait, all of them, behind what could not be decided now', async () => {
    const { store, make, count } = counters()
    let transactions = 0
    const executor = make({
      batchSizeMax: 1,
      store: {
        ...store,
        async transaction(work) {
          transactions += 1
          if (transactions === 2) throw new Unavailable('none', new Error('away'))
          return store.transaction(work)
        },
      },
    })

    const outcomes = await executor.submitCarried([
      carried('one', 1),
      carried('two', 2),
      carried('other', 5, otherId),
    ])

    expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'unavailable', 'unavailable'])
    expect([count(), count(otherId)]).toEqual([1, 0])
    expect(transactions).toBe(2)
  })

  it('are recalled without being decided, and block their key where nothing is known', async () => {
    const { executor, count } = counters()
    await executor.submitCarried([carried('known', 1)])

    const outcomes = await executor.submitCarried([
      carried('known', 1, counterId, true),
      carried('two', 2),
      carried('unknown', 3, counterId, true),
      carried('four', 4),
      carried('other', 5, otherId),
    ])

    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'known',
      'decided',
      'undecided',
      'behind',
      'decided',
    ])
    expect([count(), count(otherId)]).toEqual([3, 5])
  })
})

describe('what is announced of commands', () => {
  const announce: CountersOptions['announce'] = ({ command, carried, outcome }) => ({
    topic: 'endings',
    partitionKey: guidOf(command),
    type: 'ended',
    body: { key: command.key, carried, kind: outcome.kind },
  })

  function endingsOf(database: ReturnType<typeof memoryDatabase>) {
    return database.messages.filter(({ topic }) => topic === 'endings')
  }

  it('is the end of every repeat that a topic carried, and of none over HTTP', async () => {
    const { database, executor } = counters({ announce })

    await executor.submit(add(ann, 'one', 1))
    await executor.submit(add(ann, 'one', 1))
    const overHttp = endingsOf(database).map(({ body }) => body)
    await executor.submitCarried([carried('one', 1), carried('one', 2)])

    expect(overHttp).toEqual([{ key: 'h:one', carried: false, kind: 'answered' }])
    expect(endingsOf(database).map(({ body }) => body)).toEqual([
      ...overHttp,
      { key: 'h:one', carried: true, kind: 'answered' },
      { key: 'h:one', carried: true, kind: 'key-reused' },
    ])
  })

  it('is told of a key that is no longer replayable', async () => {
    let now = new Date('2026-01-01T12:00:00Z')
    const { database, executor } = counters({ announce, replayableMs: 1000, clock: () => now })
    await executor.submitCarried([carried('one', 1)])
    now = new Date('2026-01-01T13:00:00Z')

    await executor.submitCarried([carried('one', 1)])

    const endings = endingsOf(database)
    const kinds = endings.map(({ body }) => (body as { kind: string }).kind)
    expect(kinds).toEqual(['answered', 'key-expired'])
    // Two things are told: whoever has heard the one has not heard the other.
    expect(new Set(endings.map(({ id }) => id)).size).toBe(2)
  })

  it('has one id for one request and one way to end, however often it is told', async () => {
    const { database, executor } = counters({ announce })

    await executor.submitCarried([carried('one', 1), carried('one', 2)])
    await executor.submitCarried([carried('one', 1)])

    const [first, other, again] = endingsOf(database).map(({ id }) => id)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
  })

  it('is said in the name of whoever asked', async () => {
    const { database, executor } = counters({ announce })
    const scope = serviceScope('billing')
    const command = add(scope, 'one', 1)

    await executor.submitCarried([{ command, partitionKey: counterId }])

    expect(endingsOf(database)).toMatchObject([{ scope, commandId: command.id }])
  })
})

describe('behind a carried command that only a newer release can compare', () => {
  it('none is decided, of whatever partition key, and none is lost', async () => {
    let isNewer = true
    const decider: typeof counterDecider = {
      ...counterDecider,
      decide(counter, command) {
        if (isNewer && command.input.amount === 13) throw new UnknownFingerprintRule(2)
        return counterDecider.decide(counter, command)
      },
    }
    const { executor, count } = counters({ decider })
    const batch = [carried('a', 1), carried('b', 13), carried('c', 2), carried('d', 4, otherId)]

    const early = await executor.submitCarried(batch)
    expect(early.map(({ kind }) => kind)).toEqual(['decided', ...Array(3).fill('unavailable')])
    expect([count(), count(otherId)]).toEqual([1, 0])

    isNewer = false
    const late = await executor.submitCarried(batch)
    expect(late.map(({ kind }) => kind)).toEqual(['known', 'decided', 'decided', 'decided'])
    expect([count(), count(otherId)]).toEqual([16, 4])
  })
})
