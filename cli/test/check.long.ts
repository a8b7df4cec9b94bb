import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { openProduct } from '../../test/product.ts'
import { type OwnDatabase, openShop, ownDatabase, type Shop, sell, semel, settled } from './shop.ts'

/** A shop that has sold, and was stopped: each test spoils a copy of its database. */
let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await sell(shop)
  await settled(shop.env)
  await shop.stop()
  await shop.database.pool.end()
})
afterAll(() => shop.drop())

const carried = `(select id::text from outbox where source = 'gateway')`
/** Has the request that a topic carried end otherwise: as it was told, and as it is registered. */
const refusedFor = (told: string, registered: string) => `
  update messages set state = '${registered}', response_status = null, response_headers = null,
                      response_body = null
   where guid::text = ${carried};
  update outbox set body = jsonb_set(jsonb_set(body::jsonb, '{outcome}', '"${told}"'),
                                     '{response}', 'null')::text
   where topic = 'message' and partition_key = ${carried}`
const paid = `(select id from orders where status = 'paid')`

it('finds nothing where nothing is wrong, and says what it looked at', async () => {
  const { url } = await copy()

  const shown = await semel(['check'], { DATABASE_URL: url })
  const { report, code } = await check(url)

  expect(shown).toMatchObject({ code: 0, stderr: '' })
  expect(shown.stdout).toMatch(/^ok {4}I6 {3}outbox-whole: .* \(messages: \d+\)\n/)
  expect(shown.stdout).toMatch(/\n15 checks, no violation\.\n$/)
  expect(code).toBe(0)
  expect(report).toMatchObject({ ok: true, violations: 0 })
  const counts = report.checks.map(({ checked }: { checked: number }) => checked)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect(report.checks[0]).toEqual({
    ...{ name: 'outbox-whole', invariant: 'I6', unit: 'messages', violations: [] },
    checked: counts[0],
    promise: 'positions have no gaps, end at their heads, and nobody has read beyond them',
  })
})

it.each<[string, string, string[]]>([
  [
    'a message that is missing between two others',
    `delete from outbox where topic = 'message' and position = 1`,
    ['outbox-whole'],
  ],
  [
    'a head that is not behind the last message',
    `update heads set next = next + 1 where topic = 'order'`,
    ['outbox-whole'],
  ],
  [
    'a group that has read more than there is',
    `update positions set position = position + 5 where consumer_group = 'billing'`,
    ['outbox-whole'],
  ],
  [
    'unread messages that are gone',
    `delete from outbox where topic = 'notification';
     update positions set position = 0 where topic = 'notification'`,
    ['outbox-whole'],
  ],
  [
    'a message that no command told',
    `update outbox set command_id = gen_random_uuid()
      where topic = 'notification' and position = 0`,
    ['messages-have-commands'],
  ],
  [
    'a message that was told when its command was not decided',
    `update outbox set time = time + interval '1 hour' where type = 'charge-wanted'`,
    ['messages-have-commands'],
  ],
  [
    'an event that was told twice',
    `insert into outbox select topic, partition, 2, id, partition_key, type, scope, command_id,
                               body, time, source, traceparent
       from outbox where topic = 'notification' and position = 0;
     update heads set next = 3 where topic = 'notification'`,
    ['messages-told-once'],
  ],
  [
    'an order that a client was told of and is gone',
    `delete from orders where id = ${paid}`,
    ['placed-orders-exist'],
  ],
  [
    'a deposit without a command, though the sums agree',
    `insert into entries
     select gen_random_uuid(), user_id, entry_count + 1, 'deposit', 5, null, null, balance + 5,
            now() + interval '1 hour' from accounts;
     update accounts set balance = balance + 5, entry_count = entry_count + 1`,
    ['deposits-have-entries'],
  ],
  [
    'a message that was read and had no effect',
    `delete from commands where operation = 'notification-wanted'`,
    ['read-messages-decided'],
  ],
  [
    'a key that was decided twice',
    `insert into commands
     select gen_random_uuid(), scope, operation, key, fingerprint, fingerprint_version, status,
            headers, body, decided_at, replayable_until
       from commands where operation = 'charge-decided' limit 1`,
    ['commands-once'],
  ],
  [
    'a second notification of one version',
    `alter table notifications drop constraint notifications_pkey;
     update notification_numbers set next = next + 1;
     insert into notifications
     select order_id, order_version, gen_random_uuid(), number + 1, user_id, kind, text, created_at
       from notifications order by number desc limit 1`,
    ['notifications-once'],
  ],
  [
    'a notification whose number will be given again',
    `update notification_numbers set next = 1`,
    ['notifications-once'],
  ],
  [
    'a balance that is not the sum of its entries',
    `update accounts set balance = balance + 1`,
    ['accounts-balanced'],
  ],
  [
    'a total that is not the sum of the lines',
    `update orders set lines = jsonb_set(lines, '{0,quantity}', '7') where id = ${paid}`,
    ['orders-total'],
  ],
  [
    'a version that billing never heard of',
    `update orders set version = 2, status = 'pending' where id = ${paid}`,
    ['orders-have-decisions'],
  ],
  [
    'a paid order that says it waits',
    `update orders set status = 'pending' where id = ${paid}`,
    ['orders-as-decided'],
  ],
  [
    'an order that was declined and says it is paid',
    `update orders set status = 'paid' where status = 'declined'`,
    ['orders-as-decided', 'orders-notified'],
  ],
  [
    'a settled order whose user was told nothing',
    `delete from notifications where kind = 'happiness'`,
    ['orders-notified'],
  ],
  [
    'a user who was told of what was never decided',
    `update notification_numbers set next = 1000;
     insert into notifications
     select gen_random_uuid(), 1, gen_random_uuid(), 999, user_id, kind, text, created_at
       from notifications limit 1`,
    ['notifications-have-decisions'],
  ],
  [
    'a request that the registry does not know',
    `delete from messages where operation = 'open-account'`,
    ['requests-registered'],
  ],
  [
    'an answer that is another one in the registry',
    `update messages set response_status = 500 where operation = 'deposit'`,
    ['requests-registered'],
  ],
  [
    'an answer whose bytes are others in the registry',
    `update messages set response_body = response_body || ' ' where operation = 'deposit'`,
    ['requests-registered'],
  ],
  [
    'a refusal that the registry takes for a lesser one',
    refusedFor('key-reused', 'key-expired'),
    ['requests-registered'],
  ],
  [
    'a request that a topic carried and whose end was never told',
    `update outbox set partition_key = (select guid::text from messages
                                         where operation = 'deposit'),
                       body = replace(body, '"outcome":"answered"', '"outcome":"key-reused"')
      where topic = 'message' and partition_key = ${carried};
     update messages set state = 'pending', response_status = null, response_headers = null,
                         ended_at = null
      where guid::text = ${carried}`,
    ['requests-registered'],
  ],
])('finds %s', async (_, spoil, names) => {
  const { url, pool } = await copy()
  await pool.query(spoil)

  const { report, code } = await check(url)

  const failed = report.checks.filter(({ violations }: Checked) => violations.length > 0)
  expect(failed.map(({ name }: Checked) => name)).toEqual(names)
  expect(report.ok).toBe(false)
  expect(code).toBe(5)
})

it.each(['key-reused', 'key-expired'])(
  'takes a request that ended %s for registered, also where it has an answer after all',
  async (end) => {
    const answered = await copy()
    const { url, pool } = await copy()
    await pool.query(refusedFor(end, end))
    await answered.pool.query(`
      insert into outbox
      select topic, partition, position + 1000, id, partition_key, type, scope, command_id,
             replace(body, '"outcome":"answered"', '"outcome":"${end}"'), time, source, traceparent
        from outbox where topic = 'message' and partition_key = ${carried};
      update outbox set position = (select next from heads where topic = 'message')
       where topic = 'message' and position >= 1000;
      update heads set next = next + 1 where topic = 'message';
      update positions set position = position + 1 where topic = 'message'`)

    for (const { report } of [await check(url), await check(answered.url)]) {
      const [registered] = report.checks.filter(({ name }: Checked) => name.startsWith('requests'))
      expect(registered.violations).toEqual([])
    }
  },
)

it('shows each violation: what is, and what should be', async () => {
  const { url, pool } = await copy()
  await pool.query('update accounts set balance = balance + 1')

  const { stdout, code } = await semel(['check'], { DATABASE_URL: url })

  expect(code).toBe(5)
  expect(stdout).toMatch(
    /\nFAIL {2}I10 {2}accounts-balanced: .*, 1 violation\)\n +balance [0-9a-f-]{36}: is 551; should be 550\n/,
  )
  expect(stdout).toMatch(/\n1 violation: do not mend rows by hand before you know the cause\.\n$/)
})

it('takes what is on its way for no violation, and what is parked', async () => {
  const { url, pool } = await copy()
  await pool.query(`
    delete from notifications where kind = 'happiness';
    update positions set position = 0;
    update positions set position = 2 where consumer_group = 'notifications';
    delete from commands where operation = 'notification-wanted';
    insert into dead_letters (consumer_group, id, topic, partition, position, partition_key, reason,
                              detail, parked_at, message_id, type, source, body)
    select 'notifications', id, topic, partition, position, partition_key, 'failed', 'why', now(),
           id::text, type, source, convert_to(body, 'UTF8')
      from outbox where topic = 'notification';
    insert into dead_letters (consumer_group, id, topic, partition, position, partition_key, reason,
                              detail, parked_at, type, body)
    values ('notifications', gen_random_uuid(), 'notification', 0, 9, 'k', 'behind-parked', 'why',
            now(), 'notification-wanted', '\\xff00')`)

  const { report } = await check(url)

  expect(report.checks.filter(({ violations }: Checked) => violations.length > 0)).toEqual([])
})

it('says the truth of a registry that was told of all requests, of some, and of all again', async () => {
  const database = await ownDatabase()
  onTestFinished(database.drop)
  const { url, pool } = database
  const sales = []
  for (const REGISTER of ['topic', 'all', 'topic']) {
    const product = await openProduct({ DATABASE_URL: url, REGISTER })
    onTestFinished(product.close)
    sales.push(await sell(product))
    await settled({ DATABASE_URL: url })
    await product.stop()
  }

  const { report: fine } = await check(url)
  await pool.query('delete from messages where guid = $1', [sales[0]!.guid])
  const { report: oneLost } = await check(url)
  await pool.query('delete from messages')
  const { report: allLost } = await check(url)

  const lost = (report: typeof fine) => report.checks.at(-1).violations
  expect(fine).toMatchObject({ ok: true, violations: 0 })
  expect(lost(oneLost)).toEqual([{ id: sales[0]!.guid, is: 'no entry', shouldBe: 'answered 201' }])
  // The three that topics carried, and the account, the deposit and the order of one shop.
  expect(lost(allLost)).toHaveLength(6)
})

it.each([
  ['a character that no text can hold', '{"orderId":"\\u0000"}'],
  ['half a character', '{"outcome":"\\ud800"}'],
])('is not ended by a message with %s', async (_, body) => {
  const { url, pool } = await copy()
  await pool.query('update outbox set body = $1', [body])

  const { report } = await check(url)

  expect(report.checks).toHaveLength(15)
})

type Checked = { name: string; checked: number; violations: object[] }

async function check(url: string) {
  const { code, stdout, stderr } = await semel(['check', '--json'], { DATABASE_URL: url })
  if (stderr !== '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) }
}

async function copy(): Promise<OwnDatabase> {
  const database = await ownDatabase(shop.database.name)
  onTestFinished(() => database.drop())
  return database
}
