import { CommandFailed, createExecutor, localOperator } from '@semel/commands'
import { memoryAppend, memoryDatabase, memoryStore } from '@semel/commands/memory'
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

it('does not take a command for failed because nobody could be woken for what it told', async () => {
  const reported: unknown[] = []
  const executor = createExecutor({
    store: memoryStore(memoryDatabase()),
    repository: memoryCounters,
    decider: counterDecider,
    contracts: [addToCounter],
    append: memoryAppend,
    told: () => {
      throw new Error('the waker has a bug')
    },
    report: (error) => void reported.push(error),
  })

  const outcome = await executor.submit(add(localOperator, 'one', 3))

  expect(outcome).toMatchObject({ kind: 'answered', replayed: false, answer: { status: 201 } })
  expect(reported).toMatchObject([{ message: 'the waker has a bug' }])
})
