import { createExecutor, type Executor, localOperator, makeCommand } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { deposit, openAccount } from '@semel/contracts/billing'
import { type Pool, queryable } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { freshId, times } from '../../../test/client.ts'
import { accountDecider, type BillingCommand } from '../src/account.ts'
import { accountRepository } from '../src/account-store.ts'
import { takeCharge } from '../src/charge.ts'
import { findImbalances, migrations } from '../src/service.ts'

const contracts = [openAccount, deposit, takeCharge]
const asked = (key: string) => ({ scope: localOperator, key, receivedAt: new Date() })
const open = (userId: string) =>
  makeCommand(openAccount, { ...asked(`i:${userId}`), input: { userId, name: 'Ann' } })
const put = (userId: string, amount: number, key = freshId()) =>
  makeCommand(deposit, { ...asked(key), input: { userId, amount } })
const charge = (userId: string, orderId: string, version: number, amount: number) =>
  makeCommand(takeCharge, {
    ...asked(freshId()),
    input: { orderId, version, userId, amount, currency: 'EUR' },
  })

/** Billing in several processes on one database. */
async function openBilling(processes: number) {
  const { pool, anotherPool } = await testDatabase(migrations)
  const executors = times(processes, () =>
    createExecutor({
      store: postgresStore(anotherPool()),
      repository: accountRepository,
      decider: accountDecider('EUR'),
      contracts,
      append: outboxAppend(),
    }),
  )
  return { pool, executors }
}

/** Has commands decided at once, by all processes in turn; every one must be. */
async function decideAll(executors: readonly Executor[], commands: readonly BillingCommand[]) {
  const outcomes = await Promise.all(
    commands.map((command, place) => executors[place % executors.length]!.submit(command)),
  )
  expect(outcomes.filter(({ kind }) => kind !== 'answered')).toEqual([])
}

async function imbalancesIn(pool: Pool) {
  return findImbalances(queryable(pool))
}

describe('on PostgreSQL, with several processes at once', () => {
  it('deposits to one account all arrive, each with the balance it made', async () => {
    const { pool, executors } = await openBilling(4)
    const userId = freshId()
    await decideAll(executors, [open(userId)])

    await decideAll(
      executors,
      times(60, () => put(userId, 10)),
    )

    const { rows } = await pool.query(
      'select number, balance_after as balance from entries order by number',
    )
    expect(rows).toEqual(times(60, (n) => ({ number: n + 1, balance: 10 * (n + 1) })))
    expect(await imbalancesIn(pool)).toEqual([])
  })

  it('of two orders of 80 from a balance of 100, one is paid and one is declined', async () => {
    const { pool, executors } = await openBilling(2)
    const users = times(20, freshId)
    await decideAll(
      executors,
      users.map((userId) => open(userId)),
    )
    await decideAll(
      executors,
      users.map((userId) => put(userId, 100)),
    )

    await decideAll(
      executors,
      users.flatMap((userId) => [
        charge(userId, freshId(), 1, 80),
        charge(userId, freshId(), 1, 80),
      ]),
    )

    const { rows } = await pool.query(
      `select array_agg(outcome order by outcome) as outcomes, max(balance) as balance
         from decisions join accounts using (user_id) group by user_id`,
    )
    expect(rows).toEqual(times(20, () => ({ outcomes: ['declined', 'paid'], balance: 20 })))
    expect(await imbalancesIn(pool)).toEqual([])
  })

  it('charges before, during and after the opening of an account lose no cent', async () => {
    const { pool, executors } = await openBilling(4)
    const users = times(24, freshId)
    const orders = new Map(users.map((userId) => [userId, freshId()]))
    const of = (make: (userId: string, orderId: string) => BillingCommand) =>
      users.map((userId) => make(userId, orders.get(userId)!))
    const all = [
      ...of((user, order) => charge(user, order, 1, 80)),
      ...of((user, order) => charge(user, order, 2, 90)),
      ...of(open),
      ...of((user, order) => charge(user, order, 2, 90)),
      ...of((user) => put(user, 100)),
      ...of((user, order) => charge(user, order, 3, 70)),
      ...of((user, order) => charge(user, order, 1, 80)),
    ]

    await decideAll(executors, shuffledOver(all, 5))
    const [before] = (await pool.query(countAll)).rows
    await decideAll(
      executors,
      of((user, order) => charge(user, order, 3, 70)),
    )

    expect((await pool.query('select from charges where version <> 3')).rowCount).toBe(0)
    expect((await pool.query(countAll)).rows).toEqual([before])
    expect(await imbalancesIn(pool)).toEqual([])
  })

  it('an order that two users are charged for is charged to one of them', async () => {
    const { pool, executors } = await openBilling(2)
    const [ann, bob, orderId] = [freshId(), freshId(), freshId()]

    const ends = await Promise.allSettled([
      executors[0]!.submit(charge(ann, orderId, 1, 80)),
      executors[1]!.submit(charge(bob, orderId, 1, 80)),
    ])

    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect((await pool.query('select from charges')).rowCount).toBe(1)
    expect(await imbalancesIn(pool)).toEqual([])
  })
})

const countAll = `
  select (select sum(balance) from accounts) as balance, (select count(*) from entries) as entries,
         (select count(*) from decisions) as decisions`

/** Every command far from its neighbours, so that those about one user meet in other processes. */
function shuffledOver<T>(all: readonly T[], step: number): T[] {
  return times(step, (from) => all.filter((_, index) => index % step === from)).flat()
}
