import { localOperator, makeCommand } from '@semel/commands'
import { deposit, openAccount } from '@semel/contracts/billing'
import type { Pool, Tx } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { freshId } from '../../../test/client.ts'
import { until } from '../../../test/product.ts'
import { accountDecider, type BillingCommand } from '../src/account.ts'
import { accountRepository } from '../src/account-store.ts'
import { takeCharge } from '../src/charge.ts'
import { createBilling, migrations } from '../src/service.ts'

const decider = accountDecider('EUR')
const asked = () => ({ scope: localOperator, key: freshId(), receivedAt: new Date() })
const charge = (userId: string, orderId: string, version: number, amount: number) =>
  makeCommand(takeCharge, {
    ...asked(),
    input: { orderId, version, userId, amount, currency: 'EUR' },
  })

/** A transaction that goes on step by step, on a connection of its own. */
async function begin(pool: Pool) {
  const client = await pool.connect()
  onTestFinished(() => client.release())
  await client.query('begin')
  const sent: Promise<unknown>[] = []
  const query = (statement: object) => client.query(statement as never) as never
  const tx = {
    query,
    send: (statement: object) => void sent.push(query(statement)),
  } as unknown as Tx
  return {
    async load(command: BillingCommand) {
      const { userId } = command.input
      return (await accountRepository.load(tx, [userId], [command])).get(userId)!
    },
    async save(states: Parameters<typeof accountRepository.save>[1]) {
      await Promise.all([accountRepository.save(tx, states), ...sent])
    },
    end: (how: 'commit' | 'rollback') => client.query(how),
  }
}

async function somebodyWaits(pool: Pool): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rowCount === 1
}

it('who decides about an account waits for who is deciding, and sees what was decided', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const billing = createBilling({ pool, currency: 'EUR' })
  const [userId, orderId] = [freshId(), freshId()]
  for (const command of [
    makeCommand(openAccount, { ...asked(), input: { userId, name: 'Ann' } }),
    makeCommand(deposit, { ...asked(), input: { userId, amount: 100 } }),
  ]) {
    await billing.executor.submit(command)
  }
  await billing.stop()
  const [first, second] = [await begin(anotherPool()), await begin(anotherPool())]
  const [one, other] = [charge(userId, orderId, 1, 80), charge(userId, orderId, 2, 90)]

  const decided = decider.decide(await first.load(one), one)
  const waiting = second.load(other)
  await until(() => somebodyWaits(pool))
  await first.save([decided.state])
  await first.end('commit')
  const seen = await waiting
  await second.end('rollback')

  expect(seen).toMatchObject({ balance: 20, held: 80, entryCount: 2 })
  expect(seen.charges.get(orderId)).toMatchObject({ version: 1, held: 80 })
})

it('two that decide about a user without an account cannot both have been the first', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const [first, second] = [await begin(anotherPool()), await begin(anotherPool())]
  const [userId, orderId] = [freshId(), freshId()]
  const declined = charge(userId, orderId, 1, 80)
  const opening = makeCommand(openAccount, { ...asked(), input: { userId, name: 'Ann' } })

  const one = decider.decide(await first.load(declined), declined)
  const other = decider.decide(await second.load(opening), opening)
  await first.save([one.state])
  const late = second.save([other.state]).then(
    () => undefined,
    (error) => error,
  )
  await until(() => somebodyWaits(pool))
  await first.end('commit')
  const refusal = await late
  await second.end('rollback')

  expect(refusal).toMatchObject({ code: '23505', constraint: 'accounts_pkey' })
})
