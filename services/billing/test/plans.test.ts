import { createExecutor, localOperator, makeCommand } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { deposit, openAccount } from '@semel/contracts/billing'
import { queryable } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { expect, it } from 'vitest'
import { accountDecider } from '../src/account.ts'
import { accountRepository } from '../src/account-store.ts'
import { takeCharge } from '../src/charge.ts'
import { migrations } from '../src/service.ts'
import { findAccount, listEntries } from '../src/sql.ts'

const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const orderId = '0193d5a1-6f00-7000-8000-000000000001'

it('looks things up by an index, also when it was prepared on an empty table', async () => {
  const { anotherPool } = await testDatabase(migrations)
  const pool = anotherPool({ connectionsMax: 1 })
  const executor = createExecutor({
    store: postgresStore(pool),
    repository: accountRepository,
    decider: accountDecider('EUR'),
    contracts: [openAccount, deposit, takeCharge],
    append: outboxAppend(),
  })
  const asked = (key: string) => ({ scope: localOperator, key, receivedAt: new Date(0) })
  const charge = { orderId, userId, amount: 80, currency: 'EUR' }
  for (const command of [
    makeCommand(takeCharge, { ...asked('1'), input: { ...charge, version: 1 } }),
    makeCommand(openAccount, { ...asked('2'), input: { userId, name: 'Ann' } }),
    makeCommand(deposit, { ...asked('3'), input: { userId, amount: 100 } }),
    makeCommand(takeCharge, { ...asked('4'), input: { ...charge, version: 2 } }),
  ]) {
    await executor.submit(command)
  }
  await findAccount(queryable(pool), userId)
  await listEntries(queryable(pool), { userId, below: 9, limit: 9 })

  const plans = await preparedPlans(pool)

  expect(plans.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      ...['lock-accounts', 'read-charges', 'read-decisions', 'read-deposits'],
      ...['update-accounts', 'update-charges', 'find-account', 'list-entries'],
    ]),
  )
  expect(plans.filter(({ plan }) => plan.includes('Seq Scan'))).toEqual([])
  expect(plans.find(({ name }) => name === 'list-entries')!.plan).not.toContain('Sort')
})
