import { localOperator, makeCommand } from '@semel/commands'
import { deposit, openAccount } from '@semel/contracts/billing'
import { queryable } from '@semel/postgres'
import { openTestDatabase, type TestDatabase } from '@semel/postgres/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeCharge } from '../src/charge.ts'
import { createBilling, findImbalances, migrations } from '../src/service.ts'

const ann = `'4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'`
const nobody = `'4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c11'`
const order = `'0193d5a1-6f00-7000-8000-000000000001'`
const another = `'0193d5a1-6f00-7000-8000-000000000002'`
const entry = `insert into entries values (gen_random_uuid(),`

let database: Awaited<ReturnType<typeof openTestDatabase>>
const pool = () => (database as TestDatabase).pool

/** Ann has deposited 100, and has an order that holds 80. */
beforeAll(async () => {
  database = await openTestDatabase(migrations)
  const billing = createBilling({ pool: pool(), currency: 'EUR' })
  const [userId, orderId] = [ann.slice(1, -1), order.slice(1, -1)]
  const asked = (key: string) => ({ scope: localOperator, key, receivedAt: new Date() })
  const charge = { orderId, version: 1, userId, amount: 80, currency: 'EUR' }
  for (const command of [
    makeCommand(openAccount, { ...asked('1'), input: { userId, name: 'Ann' } }),
    makeCommand(deposit, { ...asked('2'), input: { userId, amount: 100 } }),
    makeCommand(takeCharge, { ...asked('3'), input: charge }),
  ]) {
    await billing.executor.submit(command)
  }
  await billing.stop()
})
afterAll(() => database.close())

describe('the tables refuse, whoever decides wrongly,', () => {
  it.each([
    ['a balance below nothing', 'accounts_balance_check', `update accounts set balance = -1`],
    ['to hold less than nothing', 'accounts_held_check', `update accounts set held = -1`],
    [
      'more money than can be counted',
      'accounts_countable',
      `update accounts set balance = 9007199254740912`,
    ],
    ['an account that is half open', 'accounts_whole', `update accounts set name = null`],
    [
      'money on an account that nobody opened',
      'accounts_unopened',
      `insert into accounts (user_id, balance, held, entry_count) values (${nobody}, 1, 0, 0)`,
    ],
    ['a second account', 'accounts_pkey', `insert into accounts select * from accounts`],
    [
      'an entry for nobody',
      'entries_user_id_fkey',
      `${entry} ${nobody}, 1, 'deposit', 1, null, null, 1, now())`,
    ],
    [
      'an entry after which there is less',
      'entries_balance_after_check',
      `${entry} ${ann}, 3, 'deposit', 1, null, null, -1, now())`,
    ],
    [
      'a deposit that takes',
      'entries_sign',
      `${entry} ${ann}, 3, 'deposit', -1, null, null, 19, now())`,
    ],
    [
      'a charge that gives',
      'entries_sign',
      `${entry} ${ann}, 3, 'charge', 1, ${order}, 2, 21, now())`,
    ],
    [
      'a refund of nothing',
      'entries_sign',
      `${entry} ${ann}, 3, 'refund', 0, ${order}, 2, 20, now())`,
    ],
    [
      'a charge for no order',
      'entries_order',
      `${entry} ${ann}, 3, 'charge', -1, null, null, 19, now())`,
    ],
    [
      'a deposit for an order',
      'entries_order',
      `${entry} ${ann}, 3, 'deposit', 1, ${order}, 2, 21, now())`,
    ],
    [
      'an entry of a kind that nobody knows',
      'entries_sign',
      `${entry} ${ann}, 3, 'gift', 1, ${order}, 2, 21, now())`,
    ],
    [
      'to charge an order twice',
      'entries_by_order',
      `${entry} ${ann}, 3, 'charge', -1, ${order}, 1, 19, now())`,
    ],
    [
      'to charge and refund at once',
      'entries_by_order',
      `${entry} ${ann}, 3, 'refund', 80, ${order}, 1, 100, now())`,
    ],
    [
      'two entries from one balance',
      'entries_user_id_number_key',
      `${entry} ${ann}, 2, 'charge', -1, ${another}, 1, 99, now())`,
    ],
    ['the same entry again', 'entries_pkey', `insert into entries select * from entries limit 1`],
    [
      'an entry to be changed',
      'entries',
      `update entries set amount = 1000 where kind = 'deposit'`,
    ],
    ['an entry to be deleted', 'entries', `delete from entries`],
    ['all of them to be', 'entries', `truncate entries`],
    ['a decision to be changed', 'decisions', `update decisions set amount = 1`],
    ['a decision to be deleted', 'decisions', `delete from decisions`],
    [
      'a second decision about a version',
      'decisions_pkey',
      `insert into decisions select * from decisions`,
    ],
    [
      'to decline without a reason',
      'decisions_reason',
      `insert into decisions values (${another}, 1, ${ann}, 1, 'EUR', 'declined', null)`,
    ],
    [
      'to pay for a reason',
      'decisions_reason',
      `insert into decisions values (${another}, 1, ${ann}, 1, 'EUR', 'paid', 'no-account')`,
    ],
    [
      'to pay nothing',
      'decisions_released',
      `insert into decisions values (${another}, 1, ${ann}, 0, 'EUR', 'paid', null)`,
    ],
    [
      'an order with two users',
      'charges_pkey',
      `insert into charges values (${order}, ${nobody}, 2, 1, 1, 'paid')`,
    ],
    [
      'a declined order that holds money',
      'charges_held',
      `update charges set outcome = 'declined'`,
    ],
    ['a paid order that holds less', 'charges_held', `update charges set held = 79`],
    [
      'a cancelled order that costs',
      'charges_released',
      `update charges set held = 0, outcome = 'released'`,
    ],
  ])('%s', async (_, constraint, wrong) => {
    const refusal = await pool()
      .query(wrong)
      .catch((error) => error)

    expect(refusal).toMatchObject({ code: expect.stringMatching(/^23/) })
    expect(refusal.constraint ?? refusal.message).toMatch(constraint)
  })
})

describe('findImbalances', () => {
  it.each([
    ['balance', `update accounts set balance = 21`],
    ['held', `update accounts set held = 0`],
    ['entry-count', `update accounts set entry_count = 3`],
    [
      'order',
      `update charges set version = 2; insert into decisions
               values (${order}, 2, ${ann}, 80, 'EUR', 'declined', 'balance-too-low')`,
    ],
    ['order', `${entry} ${ann}, 3, 'refund', 80, ${another}, 1, 100, now())`],
    ['decision', `update charges set version = 2`],
    ['decision', `delete from charges`],
    ['balance', `alter table entries disable trigger all; delete from entries where number = 1`],
  ])('finds a wrong %s', async (what, wrong) => {
    const client = await pool().connect()
    const inside = { query: (statement: object) => client.query(statement as never) as never }
    try {
      expect(await findImbalances(inside)).toEqual([])
      await client.query('begin')
      for (const statement of wrong.split(';')) await client.query(statement)

      const found = await findImbalances(inside)

      expect(found.map((each) => each.what)).toContain(what)
    } finally {
      await client.query('rollback')
      client.release()
    }
    expect(await findImbalances(queryable(pool()))).toEqual([])
  })
})
