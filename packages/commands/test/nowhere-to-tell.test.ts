import { CommandFailed, createExecutor, localOperator } from '@semel/commands'
import { memoryDatabase, memoryStore } from '@semel/commands/memory'
import { expect, it } from 'vitest'
import { add, addToCounter, counterDecider, memoryCounters } from './counter.ts'

it('fails a decision that tells something where nothing takes it, and keeps none of it', async () => {
  const database = memoryDatabase()
  const executor = createExecutor({
    store: memoryStore(database),
    repository: memoryCounters,
    decider: counterDecider,
    contracts: [addToCounter],
  })

  const submitted = executor.submit(add(localOperator, 'one', 3))

  await expect(submitted).rejects.toThrow(CommandFailed)
  expect(database.tables.get('counters')?.size ?? 0).toBe(0)
})

it('decides what tells nothing without anything to take it', async () => {
  const executor = createExecutor({
    store: memoryStore(memoryDatabase()),
    repository: memoryCounters,
    decider: counterDecider,
    contracts: [addToCounter],
  })

  const outcome = await executor.submit(add(localOperator, 'one', 1001))

  expect(outcome).toMatchObject({ kind: 'answered', answer: { status: 409 } })
})
