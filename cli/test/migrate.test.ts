import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { testDatabase } from '@semel/postgres/testing'
import { expect, onTestFinished, test } from 'vitest'
import { databaseUrl } from '../../test/replicas.ts'
import { migrateServices } from '../src/migrate.ts'

const usual = { names: ['orders'], wait: 0, json: false }

test('tables are made once, by one of all who begin at once, and told of', async () => {
  const env = { DATABASE_URL: databaseUrl(await testDatabase([])) }

  const [one, other] = await Promise.all([migrateServices(env, usual), migrateServices(env, usual)])
  const more = JSON.parse(await migrateServices(env, { ...usual, names: [], json: true }))

  const [ran, waited] = one.includes('nothing') ? [other, one] : [one, other]
  expect(ran).toMatch(/^migrated commands\/0001_\w+\.sql\n(migrated .*\n)*migrated orders\/0001/)
  expect(waited).toMatch(/ is up to date: nothing to do\.\n$/)
  expect(more.services).toEqual(['orders', 'billing', 'notifications', 'messages'])
  expect(more.ran.join()).toMatch(/^billing.*messages/)
  expect(more.ran.join()).not.toMatch(/orders|commands/)
})

test('a database that comes late is waited for, as long as it is told to', async () => {
  const { connection, pool } = await testDatabase([])
  const port = await lateServer(`${connection.host}/.s.PGSQL.${connection.port ?? 5432}`, 2)
  const late = databaseUrl({ connection: { ...connection, host: '127.0.0.1', port } })

  const refused = await migrateServices({ DATABASE_URL: late }, usual).catch(String)
  const migrated = await migrateServices({ DATABASE_URL: late }, { ...usual, wait: 30 })

  expect(refused).toMatch(/the database .* cannot be reached/)
  expect(migrated).toMatch(/^migrated /)
  expect((await pool.query('select from orders')).rowCount).toBe(0)
})

test('a database that newer code has migrated is refused in one line, and left as it is', async () => {
  const { pool, ...database } = await testDatabase([])
  await pool.query("insert into migrations values ('orders', 99, '0099_from_the_future.sql')")

  const refused = migrateServices({ DATABASE_URL: databaseUrl(database) }, usual)

  await expect(refused).rejects.toThrow(
    /^the database is ahead: .* orders\/0099_from_the_future\.sql, .* or restore/,
  )
  const { rows } = await pool.query("select to_regclass('commands') as found")
  expect(rows).toEqual([{ found: null }])
})

test('a database that is ahead by what only adds is left as it is, and told of', async () => {
  const { pool, ...database } = await testDatabase([])
  const env = { DATABASE_URL: databaseUrl(database) }
  await migrateServices(env, usual)
  await pool.query("insert into migrations values ('orders', 2, '0002_add_more.sql', now(), true)")

  const told = await migrateServices(env, usual)
  const { ran, ahead } = JSON.parse(await migrateServices(env, { ...usual, json: true }))

  expect(told).toMatch(/nothing to do\.\norders\/0002_add_more\.sql is of a newer release .*\n$/)
  expect({ ran, ahead }).toEqual({ ran: [], ahead: ['orders/0002_add_more.sql'] })
})

/** A server that ends the first connections it is asked for, and takes the others. */
async function lateServer(path: string, ended: number): Promise<number> {
  let left = ended
  const server = createServer((socket) => {
    left -= 1
    if (left >= 0) return void socket.destroy()
    const database = connect(path)
    socket.pipe(database).pipe(socket)
    for (const each of [socket, database]) each.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}
