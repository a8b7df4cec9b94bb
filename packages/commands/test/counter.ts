import {
  accept,
  type CommandOf,
  type Decider,
  makeCommand,
  refuse,
  type Scope,
} from '@semel/commands'
import { type MemoryTx, memoryRepository } from '@semel/commands/memory'
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

export function add(
  scope: Scope,
  key: string,
  amount: number,
  id: string = counterId,
  receivedAt = new Date('2026-01-01T12:00:00Z'),
): AddToCounter {
  return makeCommand(addToCounter, { scope, key: `h:${key}`, input: { id, amount }, receivedAt })
}

export type CounterTx = MemoryTx
