import { createExecutor, guidOf } from '@semel/commands'
import { memoryDatabase, memoryRepository, memoryStore } from '@semel/commands/memory'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type EntryCommand,
  type EntryState,
  entryDecider,
  type RegisteredEntry,
} from '../src/entry.ts'
import { carry, contracts, ended, parked, requestOf, seen } from './requests.ts'

const request = requestOf()

/** What can be heard of one request; of an unreadable dead letter nothing but its envelope is. */
const rumours = {
  seen: seen(request),
  parked: parked(request),
  unreadable: parked(request, 'no JSON'),
  answered: ended(request, 200, 2),
  repeated: ended(request, 201, 3),
  expired: ended(request, 'key-expired', 4),
  reused: ended(request, 'key-reused', 5),
}
type Rumour = keyof typeof rumours

function memoryRegistry() {
  const database = memoryDatabase()
  const repository = memoryRepository<EntryState, EntryCommand>(
    'messages',
    ({ guid }) => guid,
    (guid) => ({ state: 'absent', guid }),
  )
  const rest = { store: memoryStore(database), decider: entryDecider, contracts }
  const entryOf = () => database.tables.get('messages')?.get(guidOf(request)) as RegisteredEntry
  return { executor: createExecutor({ repository, ...rest }), database, entryOf }
}

/** What the registry should come to know, whatever came first and however often. */
function expectedOf(heard: readonly Rumour[]) {
  const known = { key: 'h:k', request: request.sent }
  const first = heard.find((one) => one === 'answered' || one === 'repeated')
  if (first !== undefined) {
    return { ...known, state: 'answered', status: first === 'answered' ? 200 : 201 }
  }
  if (heard.includes('reused')) return { ...known, state: 'key-reused', status: undefined }
  if (heard.includes('expired')) return { ...known, state: 'key-expired', status: undefined }
  const isReadable = heard.some((one) => one === 'seen' || one === 'parked')
  const isParked = heard.some((one) => one === 'parked' || one === 'unreadable')
  return {
    ...{ state: isParked ? 'parked' : 'pending', status: undefined },
    key: isReadable ? 'h:k' : null,
    request: isReadable ? request.sent : null,
  }
}

describe('an entry of the registry', () => {
  it('comes to the same end in any order of what is heard, however often', async () => {
    const names = Object.keys(rumours) as Rumour[]
    const histories = fc.array(fc.array(fc.constantFrom(...names), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(histories, fc.boolean(), async (batches, isForgetful) => {
        fc.pre(batches.flat().length > 0)
        const { executor, database, entryOf } = memoryRegistry()

        for (const batch of batches) {
          await carry(
            executor,
            batch.map((name) => rumours[name]),
          )
          if (isForgetful) database.tables.get('commands')?.clear()
        }

        const { state, response, key, request: kept } = entryOf()
        expect({ state, status: response?.status, key, request: kept }).toEqual(
          expectedOf(batches.flat()),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('never changes after it is answered', async () => {
    const { executor, entryOf } = memoryRegistry()
    await carry(executor, [rumours.answered])
    const first = entryOf()

    await carry(executor, [
      rumours.repeated,
      rumours.seen,
      rumours.parked,
      rumours.expired,
      rumours.reused,
      rumours.answered,
    ])

    expect(entryOf()).toBe(first)
    expect(first.response?.body).toBe('{"nth":2}')
  })

  it('is answered after it was parked, when a redrive has decided it', async () => {
    const { executor, entryOf } = memoryRegistry()

    await carry(executor, [rumours.seen, rumours.parked])
    const before = entryOf().state
    await carry(executor, [rumours.answered])

    expect([before, entryOf().state]).toEqual(['parked', 'answered'])
  })

  it.each(['key-reused', 'key-expired'] as const)(
    'has the answer after all, where %s was heard of before it',
    async (refused) => {
      const { executor, entryOf } = memoryRegistry()

      await carry(executor, [ended(request, refused, 2)])
      const before = entryOf()
      await carry(executor, [ended(request, 201, 3)])

      expect(before).toMatchObject({ state: refused, response: null })
      expect(entryOf()).toMatchObject({ state: 'answered', response: { status: 201 } })
    },
  )

  it('is another one for another body under the same key', async () => {
    const { executor, database } = memoryRegistry()

    await carry(executor, [
      ended(request, 200, 2),
      ended(requestOf({ version: 2 }), 'key-reused', 3),
    ])

    const entries = [...(database.tables.get('messages')?.values() ?? [])] as RegisteredEntry[]
    expect(entries.map(({ state }) => state).toSorted()).toEqual(['answered', 'key-reused'])
  })
})
