import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { postgresProcesses, seesEveryProcess } from '../src/embedded/processes.ts'
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  startEmbedded,
} from '../src/embedded.ts'

vi.setConfig({ testTimeout: 60_000 })

const isRoot = process.getuid?.() === 0

test('what was written is there after a stop and a second start', async () => {
  const folder = await newFolder()
  const first = await start({ folder })
  await query(first, 'create table kept as select 42 as answer')
  await first.stop()

  const second = await start({ folder })

  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('the URL leads to the same server as the connection does', async () => {
  const { url, connection } = await start({ folder: await newFolder('with, a "strange" name') })

  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select current_user as user')
  await client.end()

  expect(rows).toEqual([{ user: connection.user }])
})

test('nobody else on the machine can connect: no TCP, and a folder closed to others', async () => {
  const postgres = await start({ folder: await newFolder() })

  const settings = await query(postgres, "select current_setting('listen_addresses') as tcp")
  const socketFolder = await stat(postgres.connection.host)

  expect(settings).toEqual([{ tcp: '' }])
  expect(socketFolder.mode & 0o777).toBe(0o700)
})

test('a folder too deep for a socket gets one in the temporary folder, and back', async () => {
  const folder = await newFolder('d'.repeat(100))
  const first = await start({ folder })
  const { host } = first.connection
  await first.stop()

  const second = await start({ folder })

  expect(Buffer.byteLength(host)).toBeLessThan(80)
  expect(second.connection.host).toBe(host)
  await second.stop()
  expect(existsSync(host)).toBe(false)
})

test('a stop leaves no process behind, and a second stop is the same stop', async () => {
  const folder = await newFolder()
  const postgres = await start({ folder })
  const { pid } = postgres

  await Promise.all([postgres.stop(), postgres.stop()])
  await postgres.stop()

  expect(await processesOf(folder, pid)).toEqual([])
  expect(existsSync(join(folder, 'owner.json'))).toBe(false)
})

test('a second owner is refused, and told who the first one is', async () => {
  const folder = await newFolder()
  const first = await start({ folder })

  const second = await faultOf(start({ folder }))

  expect(second.code).toBe('data-folder-in-use')
  expect(second.message).toContain(`process ${process.pid}`)
  expect(await query(first, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('of many starts at once on a folder of a dead owner, one gets it', async () => {
  const folder = await newFolder()
  await (await start({ folder })).stop()
  await writeFile(join(folder, 'owner.json'), JSON.stringify({ pid: await deadPid() }))

  const starts = await Promise.allSettled(Array.from({ length: 8 }, () => start({ folder })))

  expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a pid that another process got since is nobody who could own a folder', async (context) => {
  if (!seesEveryProcess) context.skip('needs /proc to tell two processes with one pid apart')
  const folder = await newFolder()
  await mkdir(folder, { recursive: true })
  const owner = { pid: process.pid, started: 'another boot 1' }
  await writeFile(join(folder, 'owner.json'), JSON.stringify(owner))

  const postgres = await start({ folder })

  expect(await query(postgres, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('an owner file cut short by a power failure stands in nobody’s way', async () => {
  const folder = await newFolder()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'owner.json'), '')

  const postgres = await start({ folder })

  expect(await query(postgres, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('data of another PostgreSQL version is refused, and left as it is', async () => {
  const folder = await newFolder()
  await mkdir(join(folder, 'postgres'), { recursive: true })
  await writeFile(join(folder, 'postgres', 'PG_VERSION'), '17\n')

  const fault = await faultOf(start({ folder }))

  expect(fault.code).toBe('data-folder-of-another-version')
  expect(fault.message).toMatch(/made by PostgreSQL 17 and this is PostgreSQL 18/)
  expect(await readdir(join(folder, 'postgres'))).toEqual(['PG_VERSION'])
  expect(existsSync(join(folder, 'owner.json'))).toBe(false)
})

test('a first start that was cut short does not spoil the next one', async () => {
  const folder = await newFolder()
  const half = join(folder, 'postgres.new.1')
  await mkdir(half, { recursive: true })
  await writeFile(join(half, 'PG_VERSION'), '18\n')

  await start({ folder })

  expect(existsSync(half)).toBe(false)
})

test('a folder with other things in it is left alone', async () => {
  const folder = await newFolder()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'thesis.txt'), '')

  const fault = await faultOf(start({ folder }))

  expect(fault.code).toBe('data-folder-not-ours')
  expect(await readdir(folder)).toEqual(['thesis.txt'])
})

test('a server that cannot start says why, in one line', async () => {
  const folder = await newFolder()
  await (await start({ folder })).stop()
  await appendFile(join(folder, 'postgres', 'postgresql.conf'), 'no_such_setting = 1\n')

  const fault = await faultOf(start({ folder }))

  expect(fault.code).toBe('server-not-started')
  expect(fault.message).toContain('no_such_setting')
  expect(fault.message).not.toContain('\n')
})

test('kill -9 of the owner leaves the server; the next start takes over', async () => {
  const folder = await newFolder()
  const owner = await spawnOwner(folder)
  await writeThrough(folder)
  owner.child.kill('SIGKILL')
  await once(owner.child, 'exit')
  expect(await processesOf(folder, owner.serverPid)).toContain(owner.serverPid)

  const postgres = await start({ folder })

  expect(postgres.pid).not.toBe(owner.serverPid)
  expect(await query(postgres, 'select n from written')).toEqual([{ n: 1 }])
})

test('kill -9 of owner and server, and an immediate start: the data is there', async () => {
  const folder = await newFolder()
  const owner = await spawnOwner(folder)
  await writeThrough(folder)
  process.kill(owner.serverPid, 'SIGKILL')
  owner.child.kill('SIGKILL')
  await once(owner.child, 'exit')

  const postgres = await start({ folder })

  expect(await query(postgres, 'select n from written')).toEqual([{ n: 1 }])
})

test('a lock file that names a living process of another program stops nobody', async (context) => {
  if (!seesEveryProcess) context.skip('needs /proc to know that no server is left')
  const folder = await newFolder()
  await (await start({ folder })).stop()
  const bystander = spawn('sleep', ['60'], { ...(isRoot ? { uid: 65_534 } : {}) })
  onTestFinished(() => void bystander.kill('SIGKILL'))
  const lines = [bystander.pid, join(folder, 'postgres'), 1, 5432, folder, '', '1 1', 'ready', '']
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), lines.join('\n'))

  const postgres = await start({ folder })

  expect(await query(postgres, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(bystander.exitCode).toBeNull()
})

test('kill -9 of the server alone: it comes back by itself, with its data', async () => {
  const lines: string[] = []
  const postgres = await start({ folder: await newFolder(), say: (line) => lines.push(line) })
  await query(postgres, 'create table written as select 1 as n')
  const before = postgres.pid

  process.kill(before, 'SIGKILL')
  await expect.poll(() => postgres.pid, { timeout: 10_000 }).not.toBe(before)

  expect(await query(postgres, 'select n from written')).toEqual([{ n: 1 }])
  expect(lines[0]).toContain(`process ${before}) ended by SIGKILL`)
})

test('a stop while the server is coming back leaves no process behind', async () => {
  const folder = await newFolder()
  const postgres = await start({ folder })
  const { pid } = postgres

  process.kill(pid, 'SIGKILL')
  await expect.poll(() => processesOf(folder, pid), { interval: 5 }).not.toContain(pid)
  await postgres.stop()

  // Children of the killed server end when they see that it is gone.
  await expect.poll(() => processesOf(folder, pid), { timeout: 5_000 }).toEqual([])
})

test('root’s explicit folder that the server cannot reach is an error', async (context) => {
  if (!isRoot) context.skip('only root starts the server as somebody else')
  const closed = await newFolder()
  await mkdir(closed, { recursive: true, mode: 0o700 })

  const fault = await faultOf(start({ folder: join(closed, 'data'), explicit: true }))

  expect(fault.code).toBe('data-folder-unreachable')
  expect(existsSync(join(closed, 'data'))).toBe(false)
})

test('root’s default folder that the server cannot reach moves, always there', async (context) => {
  if (!isRoot) context.skip('only root starts the server as somebody else')
  const closed = await newFolder()
  await mkdir(closed, { recursive: true, mode: 0o700 })
  const lines: string[] = []
  const options = { folder: join(closed, 'data'), say: (line: string) => lines.push(line) }
  const first = await start(options)
  const spare = join(first.connection.host, '..')
  onTestFinished(() => rm(spare, { recursive: true, force: true }))
  await query(first, 'create table written as select 1 as n')
  await first.stop()

  const second = await start(options)

  expect(lines[0]).toContain(spare)
  expect(await query(second, 'select n from written')).toEqual([{ n: 1 }])
})

test('root starts the server as whoever the folder belongs to', async (context) => {
  if (!isRoot) context.skip('only root starts the server as somebody else')
  const folder = await newFolder()
  await mkdir(folder)
  const daemon = 1
  await chown(folder, daemon, daemon)

  await start({ folder })

  expect((await stat(join(folder, 'postgres', 'PG_VERSION'))).uid).toBe(daemon)
})

async function newFolder(name?: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'semel-embedded-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  // mkdtemp closes the folder to everybody else; the server's user has to pass.
  await chmod(folder, 0o755)
  return join(folder, name ?? 'data')
}

async function start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const postgres = await startEmbedded(options)
  onTestFinished(() => postgres.stop())
  return postgres
}

async function spawnOwner(folder: string): Promise<{ child: ChildProcess; serverPid: number }> {
  const script = join(import.meta.dirname, 'embedded-owner.ts')
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  return { child, serverPid: Number(line) }
}

/** Writes to the server that another process owns. */
async function writeThrough(folder: string): Promise<void> {
  const connection = { host: join(folder, 'run'), port: 5432, user: 'semel', database: 'postgres' }
  await query({ connection }, 'create table written as select 1 as n')
}

async function query({ connection }: { connection: pg.ClientConfig }, sql: string) {
  const client = new pg.Client(connection)
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

async function faultOf(started: Promise<unknown>): Promise<EmbeddedPostgresError> {
  const fault = await started.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(fault instanceof EmbeddedPostgresError)) throw new Error(`unexpected: ${fault}`)
  return fault
}

async function deadPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid!
}

function processesOf(folder: string, pid: number): Promise<number[]> {
  return postgresProcesses(join(folder, 'postgres'), pid)
}
