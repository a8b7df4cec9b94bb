import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { exitCodes } from '@semel/runtime'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { spawnProduct, until } from '../../test/product.ts'
import { openShop, ownDatabase, type Shop, sell, settled } from './shop.ts'

const bin = join(import.meta.dirname, '../bin/semel.mjs')

let shop: Shop
let commands: readonly (readonly string[])[]
beforeAll(async () => {
  shop = await openShop()
  const { key, orderId } = await sell(shop)
  await settled(shop.env)
  commands = [
    ['--help'],
    ['topics'],
    ['check', '--json'],
    ['keys', 'get', `paid-${key}`],
    ['trace', orderId],
    ['dead-letters', 'ls'],
  ]
})
afterAll(() => shop.close())

describe('the output of a command', () => {
  it('ends it quietly where nobody reads it', async () => {
    const ends = await Promise.all(commands.map((args) => run(args, 'pipe')))

    expect(ends).toEqual(commands.map(() => ({ code: 141, stderr: '' })))
  })

  it('is one line and a failure where the disk is full', async () => {
    const full = await open('/dev/full', 'w')
    onTestFinished(() => full.close())

    const ends = await Promise.all(commands.map((args) => run(args, full.fd)))

    const stderr = expect.stringMatching(/^semel: the output cannot be written \(ENOSPC.*\n$/)
    expect(ends).toEqual(commands.map(() => ({ code: 1, stderr })))
  })

  it('stops no system that was started, whoever goes away', async () => {
    const database = await ownDatabase()
    onTestFinished(database.drop)
    const { child, output, exited } = spawnProduct({ DATABASE_URL: database.url })
    onTestFinished(() => void child.kill('SIGKILL'))
    await until(async () => output().includes('/health/ready'))
    const url = /http:\/\/[\w.:]+\/health\/ready/.exec(output())![0]
    child.stdout!.destroy()
    child.stderr!.destroy()

    // Its consumers report this.
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`,
    )

    await until(async () => (await fetch(url)).status === 200)
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
  })
})

it('documents every exit code, and no other', () => {
  const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
  const documented = page.split('\n').filter((line) => /^\| \d/.test(line))

  expect(documented).toEqual(
    Object.values(exitCodes).map(({ code, means }) => `| ${code} | ${means} |`),
  )
})

async function run(args: readonly string[], stdout: 'pipe' | number) {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { HOME: '/nowhere', ...shop.env },
    stdio: ['ignore', stdout, 'pipe'],
  })
  child.stdout?.destroy()
  let stderr = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stderr }
}
