import {
  accept,
  type CommandOf,
  createExecutor,
  type Decider,
  type ExecutorOptions,
  makeCommand,
  refuse,
  type Scope,
} from '@semel/commands'
import {
  type MemoryTx,
  memoryAppend,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import { command, problem } from '@semel/contract'
import { Type } from 'typebox'

/** The smallest aggregate with a rule: a counter that is added to, and never passes its limit. */
export const tooMuch = problem({
  name: 'too-much',
  title: 'the counter would pass its limit',
  statuses: [409],
  recorded: true,
  explanation: 'Add less.',
  members: { count: Type.Integer() },
})

export const addToCounter = command({
  operation: 'add-to-counter',
  summary: 'Add to a counter',
  method: 'POST',
  path: '/counters/{id}/additions',
  params: { id: Type.String({ format: 'uuid' }) },
  body: { amount: Type.Integer() },
  resource: ({ input }) => `/counters/${input.id}`,
  accepted: [
    {
      status: 201,
      description: 'Added.',
      body: Type.Object({ id: Type.String(), count: Type.Integer() }),
      example: { id: '018f0000-0000-7000-8000-000000000001', count: 3 },
    },
  ],
  refusals: [tooMuch],
  example: { amount: 3 },
})

export type AddToCounter = CommandOf<typeof addToCounter>
export type Counter = Readonly<{ id: string; count: number }>

export const counterDecider: Decider<Counter, AddToCounter> = {
  aggregateId: ({ input }) => input.id,
  decide(counter, { input }) {
    if (input.amount === 666) throw new Error('the decider has a bug')
    const count = counter.count + input.amount
    if (count > 1000) return refuse(counter, 'too-much', { count: counter.count })
    const told = { topic: 'count', partitionKey: counter.id, type: 'counted', body: { count } }
    return accept({ ...counter, count }, { id: counter.id, count }, [told])
  },
}

export const memoryCounters = memoryRepository<Counter, AddToCounter>(
  'counters',
  ({ id }) => id,
  (id) => ({ id, count: 0 }),
)

export const counterId = '018f0000-0000-7000-8000-000000000001'
export const otherId = '018f0000-0000-7000-8000-000000000002'

export function add(
  scope: Scope,
  key: string,
  amount: number,
  id: string = counterId,
  receivedAt = new Date('2026-01-01T12:00:00Z'),
): AddToCounter {
  return makeCommand(addToCounter, { scope, key: `h:${key}`, input: { id, amount }, receivedAt })
}

/** What an executor of counters is made with, in place of the usual. */
export type CountersOptions = Partial<ExecutorOptions<Counter, AddToCounter, MemoryTx>>

/** Executors of counters over one memory database, and what they have counted. */
export function counters(options: CountersOptions = {}) {
  const database = memoryDatabase()
  const store = memoryStore(database)
  const make = (more: CountersOptions = {}) =>
    createExecutor({
      store,
      repository: memoryCounters,
      decider: counterDecider,
      contracts: [addToCounter],
      append: memoryAppend,
      ...options,
      ...more,
    })
  const count = (id = counterId) =>
    (database.tables.get('counters')?.get(id) as Counter | undefined)?.count ?? 0
  return { database, store, make, executor: make(), count }
}
