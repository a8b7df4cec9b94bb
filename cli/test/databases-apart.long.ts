import { owners } from '@semel/contracts/catalogue'
import { relayGroup } from '@semel/topics'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type ServiceName, serviceNames, tablesOf } from '../src/tables-store.ts'
import { type OwnDatabase, openShop, ownDatabase, type Shop, sell, semel, settled } from './shop.ts'

/** A shop that has sold, and was stopped; each service then gets a copy with its tables alone. */
let shop: Shop
let sold: Awaited<ReturnType<typeof sell>>
beforeAll(async () => {
  shop = await openShop()
  sold = await sell(shop)
  await settled(shop.env)
  await shop.stop()
  await shop.database.pool.end()
})
afterAll(() => shop.drop())

it('knows all tables that there are', async () => {
  const { pool } = await apart(serviceNames)

  const { rows } = await pool.query(`select tablename from pg_tables where schemaname = 'public'`)

  const ofAll = ['commands', 'dead_letters', 'heads', 'migrations', 'outbox', 'positions']
  expect(rows.map(({ tablename }) => tablename).sort()).toEqual(
    [...ofAll, ...serviceNames.flatMap((service) => tablesOf[service])].sort(),
  )
})

const ofAnyService = [
  'outbox-whole',
  'messages-have-commands',
  'messages-told-once',
  'commands-once',
]
it.each<[ServiceName[], string[]]>([
  [['orders'], ['placed-orders-exist', 'orders-total']],
  [['billing'], ['deposits-have-entries', 'accounts-balanced']],
  [['notifications'], ['notifications-once']],
  [['messages'], []],
  [
    ['orders', 'notifications'],
    ['placed-orders-exist', 'notifications-once', 'orders-total', 'orders-notified'],
  ],
])(
  'checks what can be checked where only %s have tables, and says why not the rest',
  async (services, names) => {
    const { url } = await apart(services)

    const shown = await semel(['check'], { DATABASE_URL: url })
    const { stdout, stderr } = await semel(['check', '--json'], { DATABASE_URL: url })

    const { ok, checks, skipped } = JSON.parse(stdout)
    const made = checks.map(({ name }: { name: string }) => name)
    expect(made.toSorted()).toEqual([...ofAnyService, ...names].sort())
    expect(made.length + skipped.length).toBe(15)
    expect({ ok, stderr, code: shown.code }).toEqual({ ok: true, stderr: '', code: 0 })
    expect(shown.stdout).toMatch(
      new RegExp(`\\n${made.length} checks, no violation; ${skipped.length} not made here\\.\\n$`),
    )
  },
)

it('gives the reason: whose tables are missing, or who did not read', async () => {
  const { url } = await apart(['messages'])

  const { stdout } = await semel(['check'], { DATABASE_URL: url })

  expect(stdout).toMatch(
    /\n- {5}I10 {2}orders-as-decided: .* \(not made: no tables of orders and billing are here\)\n/,
  )
  expect(stdout).toMatch(
    /\n- {5}I3 {3}requests-registered: .* \(not made: nothing in this outbox was read by messages\)\n/,
  )
})

it('finds violations in the tables that are here', async () => {
  const { url, pool } = await apart(['billing'])
  await pool.query('update accounts set balance = balance + 1')

  const { code, stdout } = await semel(['check', '--json'], { DATABASE_URL: url })

  expect({ code, ok: JSON.parse(stdout).ok }).toEqual({ code: 5, ok: false })
})

it('still says that a database is not as this release needs it where one table is gone', async () => {
  const { url, pool } = await apart(['billing'])
  await pool.query('drop table entries')

  const { code, stderr } = await semel(['check'], { DATABASE_URL: url })

  expect(code).toBe(4)
  expect(stderr).toMatch(/^semel: the database .* has not the tables of this release .*\n$/)
})

it('traces what a database knows of a life, and says whose tables are not there', async () => {
  const env = { DATABASE_URL: (await apart(['orders'])).url }

  const shown = await semel(['trace', `paid-${sold.key}`], env)
  const ofOrder = await semel(['trace', sold.orderId, '--json'], env)
  const unknown = await semel(['trace', 'nothing'], env)

  expect(shown).toMatchObject({ code: 0, stderr: '' })
  expect(labelsOf(shown.stdout)).toEqual([
    'place-order: answered 201',
    'charge-wanted v1 450: sent to Kafka',
    'message-answered answered 201: sent to Kafka',
  ])
  expect(shown.stdout).toMatch(
    /\nNot all of it: in this database are no tables of billing, notifications, messages\.\n$/,
  )
  const { commands, elsewhere } = JSON.parse(ofOrder.stdout)
  expect(commands).toMatchObject([{ operation: 'place-order', status: 201 }])
  expect(elsewhere).toEqual(['billing', 'notifications', 'messages'])
  expect(unknown.stderr).toMatch(
    /^semel: nothing is known here of nothing; in this database are no tables of billing, .*\n$/,
  )
})

it('traces an order where it was only charged, from whom that was wanted', async () => {
  const env = { DATABASE_URL: (await apart(['billing'])).url }

  const { stdout } = await semel(['trace', sold.orderId, '--json'], env)

  const hops = JSON.parse(stdout).hops.map(
    ({ from, to, what, outcome }: Record<string, string>) => `${from} ${to} ${what} ${outcome}`,
  )
  expect(hops).toEqual([
    'orders billing charge-wanted decided',
    'billing orders charge-decided v1 450 paid sent',
  ])
})

it('says of a message that Kafka does not have yet how many are before it', async () => {
  const { url, pool } = await apart(['billing'])
  await pool.query('update positions set position = 0')

  const { stdout } = await semel(['trace', sold.orderId], { DATABASE_URL: url })

  expect(labelsOf(stdout).at(-1)).toMatch(
    /^charge-decided v1 450 paid: not sent yet, \d+ before it/,
  )
})

/** What is told beside the arrows. */
function labelsOf(shown: string): string[] {
  const diagram = shown.split('\n\n')[1]!
  const labels = diagram.split('\n').slice(1)
  return labels.map((line) => line.replace(/^.*[|>-] {2}(?=[a-z])/, '').replace(/ at \d+$/, ''))
}

/** As over Kafka: tables and messages of some services, the latter copied, and read elsewhere. */
async function apart(services: readonly ServiceName[]): Promise<OwnDatabase> {
  const database = await ownDatabase(shop.database.name)
  onTestFinished(() => database.drop())
  const { pool } = database
  const others = serviceNames.filter((service) => !services.includes(service))
  const foreign = others.flatMap((service) => tablesOf[service])
  if (foreign.length > 0) await pool.query(`drop table ${foreign.join(', ')} cascade`)
  const operations = services.flatMap((service) => owners[service].commands.map(operationOf))
  await pool.query(
    `delete from commands
      where operation <> all ($1) and split_part(key, ':', 1) <> all ($2)`,
    [operations, services],
  )
  await pool.query('delete from outbox where not source = any ($1)', [services])
  await pool.query('delete from positions')
  await pool.query('delete from heads')
  await pool.query('update outbox set position = position + 1000')
  await pool.query(`
    update outbox o set position = numbered.place - 1
      from (select id, row_number() over (partition by topic, partition order by position) as place
              from outbox) as numbered
     where numbered.id = o.id`)
  await pool.query(`
    insert into heads (topic, partition, next)
    select topic, partition, max(position) + 1 from outbox group by topic, partition`)
  await pool.query(
    `insert into positions (consumer_group, topic, partition, position, generation)
     select $1, topic, partition, next, 1 from heads`,
    [relayGroup],
  )
  return database
}

function operationOf({ operation }: Readonly<{ operation: string }>): string {
  return operation
}
