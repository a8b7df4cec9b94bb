import type { Executor, Outcome } from '@semel/commands'
import { createExecutor } from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend, topicMigrations } from '@semel/topics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type OrderCommand, orderDecider } from '../src/order.ts'
import { orderMigrations, orderRepository } from '../src/sql.ts'
import {
  commandOf,
  histories,
  type Intent,
  isExplained,
  memoryOrders,
  toldBy,
} from './histories.ts'

type History = { all: Intent[]; sent: number[]; together: number }

const shuffledHistories = fc
  .tuple(histories, fc.integer({ min: 1, max: 6 }))
  .map(([history, together]): History => ({ ...history, together }))

describe('any history of places, updates and cancels, shuffled and repeated', () => {
  it('is explained by some one-at-a-time order, and every repeat gets its first answer', async () => {
    await fc.assert(
      fc.asyncProperty(shuffledHistories, async (history) => {
        await checkHistory(memoryOrders().executors, history)
      }),
      { numRuns: 1500 },
    )
  })

  it('is so on PostgreSQL too, with two processes at work', async () => {
    const sets = [commandMigrations, topicMigrations, orderMigrations]
    const { pool, anotherPool } = await testDatabase(sets)
    const executors = [pool, anotherPool()].map((each) =>
      createExecutor({
        store: postgresStore(each),
        repository: orderRepository,
        decider: orderDecider('EUR'),
        contracts: [placeOrder, updateOrder, cancelOrder],
        append: outboxAppend(),
      }),
    )
    let world = 0

    await fc.assert(
      fc.asyncProperty(shuffledHistories, async (history) => {
        world += 1
        await checkHistory(executors, history, world)
      }),
      { numRuns: 60 },
    )
  })

  it('would not be explained if one answer were another', async () => {
    const commands = ([1, 2] as const).map((quantity, index) =>
      commandOf({ kind: 'place', order: 0, quantity }, index),
    )
    const { executors } = memoryOrders()
    const told = await Promise.all(commands.map((command) => submit(executors[0]!, command)))

    expect(isExplained(commands, told)).toBe(true)
    expect(isExplained(commands, [told[0]!, told[0]!])).toBe(false)
  })
})

/** Sends a history, a few commands at a time and to both executors, and judges what was told. */
async function checkHistory(
  executors: readonly Executor[],
  { all, sent, together }: History,
  world = 0,
): Promise<void> {
  const commands = all.map((intent, index) => commandOf(intent, index, world))
  const told = new Map<number, string>()
  for (let at = 0; at < sent.length; at += together) {
    const some = sent.slice(at, at + together)
    const answers = await Promise.all(
      some.map((index, place) => submit(executors[place % 2]!, commands[index]!)),
    )
    for (const [place, answer] of answers.entries()) {
      const first = told.get(some[place]!) ?? answer
      expect(answer).toBe(first)
      told.set(some[place]!, first)
    }
  }
  expect(
    isExplained(
      commands,
      all.map((_, index) => told.get(index)!),
    ),
  ).toBe(true)
}

async function submit(executor: Executor, command: OrderCommand): Promise<string> {
  const outcome: Outcome = await executor.submit(command)
  if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`)
  return toldBy(outcome.answer)
}
