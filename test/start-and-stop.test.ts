import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrations } from '@semel/orders'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, asPlaced, bodyOf, freshId, orderOf, type Told } from './client.ts'
import { newDataFolder } from './data-folder.ts'
import { startLoad } from './load.ts'
import { spawnProduct, startProduct, until } from './product.ts'
import { databaseUrl, tracesOf } from './replicas.ts'

const checkout = join(import.meta.dirname, '..')

describe('the product', () => {
  it('knows after a stop and a start what it answered before', async () => {
    const data = await newDataFolder()
    const place = { key: 'place', body: orderOf(freshId()) }
    const first = await startProduct({ SEMEL_DATA: data.path })
    const placed = await ask(first.url, place)
    const serverPid = data.serverPid()

    const code = await first.stop()
    const left = [first.pid, serverPid, ...data.pids()].filter(isAlive)
    const second = await startProduct({ SEMEL_DATA: data.path })
    const repeat = await ask(second.url, place)
    const read = await ask(second.url, { method: 'GET', path: placed.answer.headers.location! })

    expect(code).toBe(0)
    expect(left).toEqual([])
    expect(repeat).toEqual({ ...placed, replayed: true })
    expect(asPlaced(bodyOf(read))).toEqual(asPlaced(bodyOf(placed)))
  })

  it('started by npm ends whole when all of its processes get the signal at once', async (context) => {
    if (process.platform !== 'linux') context.skip('needs /proc to see the processes of a group')
    const data = await newDataFolder()
    const { child, output } = startByNpm({ SEMEL_DATA: data.path })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    await until(async () => output().includes('Semel is ready'))
    const pids = [...pidsInGroup(child.pid!), ...data.pids()]

    process.kill(-child.pid!, 'SIGINT')
    await exited
    await until(async () => pids.filter(isAlive).length === 0, 10_000)

    expect(pids.length).toBeGreaterThanOrEqual(3)
    expect(existsSync(join(data.path, 'postgres/postmaster.pid'))).toBe(false)
    expect(output()).toContain('stopping')
    expect(output()).not.toMatch(/not stopped/)
  })

  it('told to stop while it starts leaves no process behind, and starts the next time', async () => {
    const data = await newDataFolder()
    const { child, exited, output } = spawnProduct({ SEMEL_DATA: data.path })
    onTestFinished(() => void child.kill('SIGKILL'))
    await until(async () => existsSync(join(data.path, 'postgres/postmaster.pid')))

    child.kill('SIGTERM')
    const code = await exited
    const left = data.pids()
    const second = await startProduct({ SEMEL_DATA: data.path })

    expect([code, output()]).toEqual([0, expect.not.stringMatching(/not stopped|Error/)])
    expect(left).toEqual([])
    expect((await ask(second.url, { key: 'k', body: orderOf(freshId()) })).answer.status).toBe(201)
  })

  it('does not share its data with a second one, which says so in one line', async () => {
    const data = await newDataFolder()
    const first = await startProduct({ SEMEL_DATA: data.path })

    const second = spawnProduct({ SEMEL_DATA: data.path })
    onTestFinished(() => void second.child.kill('SIGKILL'))
    const code = await second.exited

    expect(code).toBe(4)
    expect(second.output()).toMatch(/^semel: .+\n$/)
    expect(second.output()).toContain(String(first.pid))
    expect((await ask(first.url, { key: 'k', body: orderOf(freshId()) })).answer.status).toBe(201)
  })
})

describe('a product that is told to stop', () => {
  it('answers what it has taken, however long that takes, and only then ends', async () => {
    const database = await testDatabase(migrations)
    const product = await startProduct({ DATABASE_URL: databaseUrl(database) })
    const placed = await ask(product.url, { key: 'place', body: orderOf(freshId()) })
    const { id } = bodyOf(placed)
    const path = `/orders/${id}`
    const isSettled = ({ answer }: Told) => !answer.body.includes('"status":"pending"')
    await until(async () => isSettled(await ask(product.url, { method: 'GET', path })))
    const holder = await database.pool.connect()
    await holder.query('begin')
    await holder.query('select from orders where id = $1 for update', [id])
    const body = { version: 1, lines: orderOf(id, 7).lines }
    const update = ask(product.url, { method: 'PUT', path, key: 'update', body })
    await until(async () => {
      const { rowCount } = await database.pool.query(
        `select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })

    const stopped = product.stop()
    await until(async () => product.output().includes('stopping'))
    await until(async () => isRefused(product.url))
    await holder.query('commit')
    holder.release()

    expect((await update).answer.status).toBe(200)
    expect(await stopped).toBe(0)
    expect((await database.pool.query('select version from orders')).rows).toEqual([{ version: 2 }])
  })

  it('under load has answered every request that had an effect', async () => {
    const database = await testDatabase(migrations)
    const product = await startProduct({ DATABASE_URL: databaseUrl(database) })
    const load = startLoad(product.url, 32)
    await until(async () => load.placed.size > 300)

    const code = await product.stop()
    await expect(load.stop()).rejects.toThrow()

    expect(code).toBe(0)
    const keys = load.placed.size
    expect(await tracesOf(database.pool)).toEqual({ orders: keys, commands: keys, messages: keys })
    expect([...load.refused.values()].filter(({ answer }) => answer.status !== 503)).toEqual([])
  })
})

async function isRefused(url: string): Promise<boolean> {
  return fetch(`${url}/health/live`, { headers: { connection: 'close' } }).then(
    () => false,
    () => true,
  )
}

function startByNpm(env: Record<string, string>): { child: ChildProcess; output: () => string } {
  const child = spawn('npm', ['start'], {
    cwd: checkout,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...env },
    // A group of its own, as a terminal's job is.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  return { child, output: () => text }
}

function pidsInGroup(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.[2] === String(group))
}

/** A zombie is not alive: nobody may be there to reap it. */
function isAlive(pid: number): boolean {
  if (process.platform === 'linux') return !['Z', 'X', undefined].includes(statOf(pid)?.[0])
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** State, parent and group of a process come first; undefined where there is none. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
