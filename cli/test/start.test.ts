import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrations } from '@semel/billing'
import { createPool, migrate } from '@semel/postgres'
import '@semel/postgres/testing'
import { addressError, checkAddress, urlOf } from '@semel/runtime'
import { expect, inject, onTestFinished, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 60_000 })

const semel = join(import.meta.dirname, '../bin/semel.mjs')

test('a busy port is one line that names it and another one, and no data is made', async () => {
  const folder = await newFolder()
  const { port } = await busyPort()

  const ended = await run({ PORT: String(port), SEMEL_DATA: join(folder, 'data') })

  expect(ended.code).toBe(1)
  expect(ended.stderr).toBe(
    `semel: 127.0.0.1:${port} is in use by another program; ` +
      `stop that one, or take another port: PORT=${port + 1} npm start\n`,
  )
  expect(await readdir(folder)).toEqual([])
})

test('an address that is not this machine’s is one line', async () => {
  const ended = await run({ HOST: '203.0.113.7', AUTH_JWT_SECRET: 's'.repeat(32) })

  expect(ended.code).toBe(1)
  expect(ended.stderr).toMatch(/^semel: 203\.0\.113\.7:0 is no address of this machine; .*\n$/)
})

test('an unknown SEMEL_ variable is one line that lists the known ones', async () => {
  const ended = await run({ SEMEL_DTA: '/srv' })

  expect(ended.code).toBe(2)
  expect(ended.stderr).toMatch(/^semel: SEMEL_DTA is not known \(known are .*SEMEL_DATA.*\)\n$/)
})

test('an unreachable database is one line without the password', async () => {
  const { port, close } = await busyPort()
  await close()

  const ended = await run({ DATABASE_URL: `postgres://me:s3cr%2Ft@127.0.0.1:${port}/shop` })

  expect(ended.code).toBe(4)
  expect(ended.stderr).toMatch(
    new RegExp(`^semel: the database 127.0.0.1:${port}/shop cannot .*\n$`),
  )
  expect(ended.stderr).not.toMatch(/s3cr/)
})

test('a data folder of another PostgreSQL is one line', async () => {
  const folder = await newFolder()
  await mkdir(join(folder, 'postgres'))
  await writeFile(join(folder, 'postgres', 'PG_VERSION'), '17\n')

  const ended = await run({ SEMEL_DATA: folder })

  expect(ended.code).toBe(4)
  expect(ended.stderr).toMatch(/^semel: .* made by PostgreSQL 17 and this is PostgreSQL 18; .*\n$/)
})

test('help names every variable and shows how to start', async () => {
  const ended = await run({}, ['start', '--help'])

  expect(ended.code).toBe(0)
  expect(ended.stdout).toMatch(/PORT=8081 npm start/)
  for (const name of ['PORT', 'HOST', 'SEMEL_DATA', 'DATABASE_URL', 'AUTH_JWKS_URL']) {
    expect(ended.stdout).toContain(`  ${name} `)
  }
})

test('a command that does not exist is not started as another', async () => {
  const ended = await run({}, ['strat'])

  expect(ended.code).toBe(2)
  expect(ended.stderr).toMatch(/Did you mean start/)
})

test('a free address passes, and is free afterwards', async () => {
  const { port, close } = await busyPort()
  await close()

  await checkAddress({ host: '127.0.0.1', port })
  await checkAddress({ host: '127.0.0.1', port })
})

test('the port that is proposed instead is one there is', () => {
  const busy = Object.assign(new Error('busy'), { code: 'EADDRINUSE' })
  const proposed = (port: number) => addressError({ host: '::1', port }, busy).message

  expect(proposed(8080)).toContain('PORT=8081 ')
  expect(proposed(80)).toContain('PORT=8080 ')
  expect(proposed(65_535)).toContain('PORT=65534 ')
})

test('addresses are shown so that they can be clicked', () => {
  expect(urlOf({ host: '127.0.0.1', port: 1 })).toBe('http://127.0.0.1:1')
  expect(urlOf({ host: '::1', port: 1 })).toBe('http://[::1]:1')
  expect(urlOf({ host: '0.0.0.0', port: 1 })).toBe('http://localhost:1')
})

async function run(env: Record<string, string>, args = ['start']) {
  const child = spawn(process.execPath, [semel, ...args], {
    env: { PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

async function busyPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = async () => {
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  onTestFinished(close)
  return { port, close }
}

/** Open to the user that root starts the server as. */
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-start-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  return folder
}

test('another currency than the data is in is one line that names both', async () => {
  const { url, query } = await ownDatabase()
  const pool = createPool({ connection: { url }, connectionsMax: 1 })
  await migrate(pool, migrations).finally(() => pool.end())
  await query(
    `insert into accounts (user_id, name, currency, balance, held, entry_count, opened_at, updated_at)
     values (gen_random_uuid(), 'Ann', 'EUR', 0, 0, 0, now(), now())`,
  )

  const ended = await run({ DATABASE_URL: url, SEMEL_CURRENCY: 'USD' })

  expect(ended.code).toBe(2)
  expect(ended.stderr).toMatch(/^semel: the data is in EUR, and SEMEL_CURRENCY is USD; .*\n$/)
})

test('a database that could not keep every text is one line that says how to make one', async () => {
  const { url, query } = await ownDatabase("encoding 'LATIN1' template template0 locale 'C'")
  await query('select 1')

  const ended = await run({ DATABASE_URL: url })

  expect(ended.code).toBe(4)
  expect(ended.stderr).toMatch(/^semel: the database .* is encoded in LATIN1, .*UTF8.*\n$/)
})

test('a database that newer code has migrated is one line', async () => {
  const { url, query } = await ownDatabase()
  await query('create table migrations (set text, number integer, name text)')
  await query("insert into migrations values ('orders', 99, '0099_from_the_future.sql')")

  const ended = await run({ DATABASE_URL: url })

  expect(ended.code).toBe(4)
  expect(ended.stderr).toMatch(
    /^semel: the database is ahead: .* orders\/0099_from_the_future\.sql.*\n$/,
  )
})

/** A database on the server for tests, dropped at the end. */
async function ownDatabase(options = '') {
  const server = inject('testServer')
  const name = `test_${randomUUID().slice(0, 8)}`
  const admin = createPool({ connection: { ...server, database: 'postgres' }, connectionsMax: 1 })
  await admin.query(`create database ${name} ${options}`)
  const pool = createPool({ connection: { ...server, database: name }, connectionsMax: 1 })
  onTestFinished(async () => {
    await pool.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })
  const url = `postgres://${server.user}@/${name}?host=${encodeURIComponent(server.host)}`
  return { url, query: (text: string) => pool.query(text) }
}
