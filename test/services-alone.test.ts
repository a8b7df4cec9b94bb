import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, tokenOf, tokenSecret } from './client.ts'
import { spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl } from './replicas.ts'
import { migrations } from './saga.ts'

it('a service alone and some services in one process make one system on one database', async () => {
  const env = {
    DATABASE_URL: databaseUrl(await testDatabase(migrations)),
    AUTH_JWT_SECRET: tokenSecret,
  }
  const [orders, others] = await Promise.all([
    startProduct(env, ['service', 'orders']),
    startProduct(env, ['start', '--only', 'billing,notifications']),
  ])
  const userId = freshId()
  const token = await tokenOf(userId)

  const place = { key: 'place', token, body: orderOf(userId) }
  const opened = { path: '/accounts', token, body: { userId, name: 'Ann' } }
  const put = { path: `/accounts/${userId}/deposits`, key: 'put', token, body: { amount: 1000 } }
  const statuses = [
    (await ask(others.url, opened)).answer.status,
    (await ask(others.url, put)).answer.status,
    (await ask(orders.url, place)).answer.status,
    (await ask(orders.url, { ...place, token: 'nobody' })).answer.status,
    (await ask(others.url, place)).answer.status,
  ]
  await until(async () => {
    const path = `/notifications?userId=${userId}`
    return (
      bodyOf(await ask(others.url, { method: 'GET', path, token })).items[0]?.kind === 'happiness'
    )
  })
  const codes = await Promise.all([orders.stop(), others.stop()])

  expect(statuses).toEqual([201, 201, 201, 401, 404])
  expect(codes).toEqual([0, 0])
})

it('a service alone makes no tables unless it is told to, and says what would', async () => {
  const DATABASE_URL = databaseUrl(await testDatabase([]))

  const refused = spawnProduct({ DATABASE_URL }, ['service', 'billing'])
  const code = await refused.exited
  const billing = await startProduct({ DATABASE_URL, SEMEL_MIGRATE: 'true' }, [
    'service',
    'billing',
  ])

  expect(code).toBe(4)
  expect(refused.output()).toMatch(
    /^billing: the database .* lacks tables .*: npx semel migrate billing\n$/,
  )
  expect((await ask(billing.url, { path: '/accounts', body: account() })).answer.status).toBe(201)
})

it('a service works on a database that a newer release has only added to, and says so', async () => {
  const database = await testDatabase(migrations)
  const { rows } = await database.pool.query(`select count(*)::integer as n from migrations
                                               where set = 'billing'`)
  await database.pool.query(
    `insert into migrations (set, number, name, additive) values ('billing', $1, '0000_add.sql', true)`,
    [rows[0].n + 1],
  )
  await database.pool.query("alter table accounts add nickname text default 'none'")
  await database.pool.query("alter table commands add origin text not null default 'before'")
  await database.pool.query("alter table outbox add origin text not null default 'before'")

  const billing = await startProduct({ DATABASE_URL: databaseUrl(database) }, [
    'service',
    'billing',
  ])

  expect(billing.output()).toMatch(
    /^billing: a newer release has migrated .*: billing\/0000_add\.sql/,
  )
  expect((await ask(billing.url, { path: '/accounts', body: account() })).answer.status).toBe(201)
})

it.each([
  [
    'was migrated by a newer release',
    `insert into migrations values ('messages', 99, '0099_from_the_future.sql')`,
    /^messages: the database is ahead: .* messages\/0099_from_the_future\.sql.*\n$/,
  ],
  [
    'is migrated in part',
    `delete from migrations where set = 'messages' and number > 1`,
    /^messages: the database .* lacks tables .* the first is messages\/0002\S+\); run: npx semel migrate messages\n$/,
  ],
  [
    'lacks a migration before others',
    `delete from migrations where set = 'messages' and number = 2`,
    /^messages: the database is half migrated: of the migrations of "messages" up to \d+ it has \d+; .*\n$/,
  ],
])('a service does not start on a database that %s, and changes nothing', async (_, sql, said) => {
  const database = await testDatabase(migrations)
  await database.pool.query(sql)
  const rows = () => database.pool.query('select set, number, migrated_at from migrations')
  const before = (await rows()).rows

  const refused = spawnProduct({ DATABASE_URL: databaseUrl(database) }, ['service', 'messages'])

  expect(await refused.exited).toBe(4)
  expect(refused.output()).toMatch(said)
  expect((await rows()).rows).toEqual(before)
})

it('migrations that were run and not noted are one line, and nothing of them is run again', async () => {
  const database = await testDatabase(migrations)
  await database.pool.query(`delete from migrations where set = 'billing'`)

  const refused = spawnProduct({ DATABASE_URL: databaseUrl(database) }, ['migrate', 'billing'])

  expect(await refused.exited).toBe(4)
  expect(refused.output()).toMatch(
    /^semel: billing\/0001\S+: relation "accounts" already exists\n$/,
  )
})

it.each(['orders', 'billing', 'notifications', 'messages', 'gateway'])(
  '%s started without the command line says in one line what is wrong with its environment',
  (name) => {
    const main = fileURLToPath(new URL(`../services/${name}/src/main.ts`, import.meta.url))

    const { status, stderr } = spawnSync(process.execPath, [main], {
      env: { PORT: 'none' },
      encoding: 'utf8',
    })

    expect(status).toBe(2)
    expect(stderr).toMatch(new RegExp(`^${name}: PORT must be [^\\n]+\\n$`))
  },
)

it('a role that PostgreSQL does not let in is one line without its password', async () => {
  const { connection } = await testDatabase([])
  const stranger = { ...connection, user: 'stranger:s3cret' }

  const refused = spawnProduct({ DATABASE_URL: databaseUrl({ connection: stranger }) }, [
    ...['service', 'billing'],
  ])

  expect(await refused.exited).toBe(4)
  expect(refused.output()).toMatch(
    /^billing: the database .* cannot be reached \(role "stranger" does not exist\); check DATABASE_URL\n$/,
  )
  expect(refused.output()).not.toContain('s3cret')
})

it('a service that there is none of is one line that lists those there are', async () => {
  const unknown = [
    spawnProduct({}, ['service', 'order']),
    spawnProduct({}, ['start', '--only', 'orders,shipping']),
  ]

  expect(await Promise.all(unknown.map(({ exited }) => exited))).toEqual([2, 2])
  for (const { output } of unknown) {
    expect(output()).toMatch(
      /^semel: there is no service "(order|shipping)" \(known are orders, bill.*\n$/,
    )
  }
})

function account() {
  return { userId: freshId(), name: 'Ann' }
}
