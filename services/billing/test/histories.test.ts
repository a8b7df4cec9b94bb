import { createExecutor, type Executor } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { queryable } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccountState, accountDecider, type BillingCommand } from '../src/account.ts'
import { accountRepository } from '../src/account-store.ts'
import { findImbalances, migrations } from '../src/service.ts'
import {
  comesTo,
  commandOf,
  contracts,
  type History,
  histories,
  isExplained,
  memoryBilling,
  unsoundness,
  userOfWorld,
} from './histories.ts'

type ToldOf = (command: BillingCommand) => Promise<readonly { body: unknown }[]>

const shuffledHistories = fc
  .tuple(histories, fc.integer({ min: 1, max: 6 }))
  .map(([history, together]) => ({ ...history, together }))

describe('any history of accounts, deposits and charges, shuffled and repeated', () => {
  it('is explained by some order of arrival, and keeps every cent', async () => {
    await fc.assert(
      fc.asyncProperty(shuffledHistories, async (history) => {
        const { executors, database } = memoryBilling()
        const toldOf: ToldOf = async ({ id }) =>
          database.messages.filter(({ commandId }) => commandId === id)
        await checkHistory(executors, history, toldOf)
        const account = database.tables.get('accounts')?.get(userOfWorld(0)) as AccountState
        expect(unsoundness(account)).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })

  it('is so on PostgreSQL too, with four processes at work', async () => {
    const { pool, anotherPool } = await testDatabase(migrations)
    const executors = [pool, anotherPool(), anotherPool(), anotherPool()].map((each) =>
      createExecutor({
        store: postgresStore(each),
        repository: accountRepository,
        decider: accountDecider('EUR'),
        contracts,
        append: outboxAppend(),
      }),
    )
    const toldOf: ToldOf = async ({ id }) => {
      const told = await pool.query('select body from outbox where command_id = $1', [id])
      return told.rows.map(({ body }) => ({ body: JSON.parse(body) }))
    }
    let world = 0

    await fc.assert(
      fc.asyncProperty(shuffledHistories, async (history) => {
        world += 1
        await checkHistory(executors, history, toldOf, world)
      }),
      { numRuns: 60 },
    )

    expect(await findImbalances(queryable(pool))).toEqual([])
  })

  it('would not be explained if one of two competing orders had been paid as well', async () => {
    const intents: History['all'] = [
      { kind: 'open', name: 'Ann' },
      { kind: 'deposit', amount: 10, nth: 0 },
      { kind: 'charge', order: 0, version: 1, amount: 8, copy: 0 },
      { kind: 'charge', order: 1, version: 1, amount: 8, copy: 0 },
    ]
    const { executors, database } = memoryBilling()
    const commands = intents.map((intent) => commandOf(intent))
    const came: string[] = []
    for (const command of commands) {
      const answer = await submit(executors[0]!, command)
      const told = database.messages.filter(({ commandId }) => commandId === command.id)
      came.push(comesTo(answer, told))
    }

    expect(isExplained(commands, came)).toBe(true)
    const paidTwice = came.map((each) => each.replace('declined', 'paid'))
    expect(isExplained(commands, paidTwice)).toBe(false)
  })
})

/** Sends a history, a few commands at a time and to all executors, and judges what it came to. */
async function checkHistory(
  executors: readonly Executor[],
  { all, sent, together }: History & { together: number },
  toldOf: ToldOf,
  world = 0,
): Promise<void> {
  const commands = all.map((intent) => commandOf(intent, world))
  const answers = new Map<number, Awaited<ReturnType<typeof submit>>>()
  for (let at = 0; at < sent.length; at += together) {
    const some = sent.slice(at, at + together)
    const given = await Promise.all(
      some.map((index, place) => submit(executors[place % executors.length]!, commands[index]!)),
    )
    for (const [place, answer] of given.entries()) {
      const first = answers.get(some[place]!) ?? answer
      expect(answer).toEqual(first)
      answers.set(some[place]!, first)
    }
  }
  const came = await Promise.all(
    commands.map(async (command, index) => comesTo(answers.get(index)!, await toldOf(command))),
  )
  expect(isExplained(commands, came)).toBe(true)
}

async function submit(executor: Executor, command: BillingCommand) {
  const outcome = await executor.submit(command)
  if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`)
  return outcome.answer
}
