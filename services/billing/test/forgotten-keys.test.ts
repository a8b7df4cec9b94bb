import { localOperator, makeCommand } from '@semel/commands'
import { deposit, openAccount } from '@semel/contracts/billing'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshId } from '../../../test/client.ts'
import type { BillingCommand } from '../src/account.ts'
import { takeCharge } from '../src/charge.ts'
import { createBilling, migrations } from '../src/service.ts'

const asked = (key: string) => ({ scope: localOperator, key, receivedAt: new Date(0) })
const open = (userId: string, name: string, key: string) =>
  makeCommand(openAccount, { ...asked(key), input: { userId, name } })
const put = (userId: string, amount: number, key: string) =>
  makeCommand(deposit, { ...asked(key), input: { userId, amount } })

/** Billing whose command log can be emptied, as if all keys had aged out of it. */
async function openBilling() {
  const { pool } = await testDatabase(migrations)
  const start = () => {
    const billing = createBilling({ pool, currency: 'EUR' })
    onTestFinished(() => billing.stop())
    return async (command: BillingCommand) => {
      const outcome = await billing.executor.submit(command)
      if (outcome.kind !== 'answered') throw new Error(`not answered: ${outcome.kind}`)
      return { status: outcome.answer.status, body: JSON.parse(outcome.answer.body.toString()) }
    }
  }
  const balanceAndEntries = async () => {
    const { rows } = await pool.query(
      'select balance::integer, (select count(*)::integer from entries) as entries from accounts',
    )
    return rows[0]
  }
  return {
    pool,
    start,
    balanceAndEntries,
    async forget() {
      await pool.query('truncate commands')
      return start()
    },
  }
}

describe('after the command log has forgotten everything', () => {
  it('what was accepted can be sent again and changes nothing', async () => {
    const { pool, start, forget, balanceAndEntries } = await openBilling()
    const [userId, orderId] = [freshId(), freshId()]
    const charge = (version: number, amount: number) =>
      makeCommand(takeCharge, {
        ...asked(`i:${version}`),
        input: { orderId, version, userId, amount, currency: 'EUR' },
      })
    const all = [
      open(userId, 'Ann', 'h:open'),
      put(userId, 100, 'h:put'),
      charge(1, 80),
      charge(2, 120),
      charge(3, 60),
    ]
    const submit = start()
    for (const command of all) await submit(command)
    const before = await balanceAndEntries()

    const again = await forget()
    const statuses = []
    for (const command of all) statuses.push((await again(command)).status)

    expect(statuses).toEqual([200, 200, 200, 200, 200])
    expect(before).toEqual({ balance: 40, entries: 4 })
    expect(await balanceAndEntries()).toEqual(before)
    const { rows } = await pool.query('select body, count(*)::integer from outbox group by body')
    expect(rows.map(({ count }) => count)).toEqual([2, 2, 2])
  })

  it('a deposit is told as it was, with the balance of now', async () => {
    const { start, forget, balanceAndEntries } = await openBilling()
    const userId = freshId()
    const submit = start()
    await submit(open(userId, 'Ann', 'h:open'))
    const first = await submit(put(userId, 100, 'h:put'))
    await submit(put(userId, 5, 'h:more'))

    const again = await (await forget())(put(userId, 100, 'h:put'))

    expect(first).toMatchObject({ status: 201, body: { amount: 100, balance: 100 } })
    expect(again).toEqual({ status: 200, body: { ...first.body, balance: 105 } })
    expect(await balanceAndEntries()).toEqual({ balance: 105, entries: 2 })
  })

  it('a deposit of another amount, or to another user, under its key is refused', async () => {
    const { start, forget } = await openBilling()
    const [ann, bob] = [freshId(), freshId()]
    const submit = start()
    await submit(open(ann, 'Ann', 'h:ann'))
    await submit(open(bob, 'Bob', 'h:bob'))
    await submit(put(ann, 100, 'h:put'))

    const larger = await (await forget())(put(ann, 900, 'h:put'))
    const elsewhere = await (await forget())(put(bob, 100, 'h:put'))

    for (const { status, body } of [larger, elsewhere]) {
      expect({ status, type: body.type }).toEqual({ status: 409, type: '/problems/already-exists' })
    }
  })
})
