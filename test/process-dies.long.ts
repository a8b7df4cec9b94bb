import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { migrations } from '@semel/orders'
import { type TestDatabase, testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Asked, ask, bodyOf, freshId, orderOf, type Told } from './client.ts'
import { startProduct, until } from './product.ts'
import { databaseUrl, tracesOf } from './replicas.ts'

const stepsBeforeCommit = [
  'before find-commands',
  'after find-commands',
  'after lock-orders',
  'before insert-orders',
  'after insert-orders',
  'after insert-commands',
  'after append-messages',
]
const stepsAfterCommit = [
  'after commit was answered',
  'before the answer',
  'with half of the answer sent',
  'with all of the answer sent but its last byte',
]

describe('a process that is killed', () => {
  it.each(stepsBeforeCommit)('%s leaves nothing, and every retry finds it undone', async (step) => {
    const { database, retries } = await dieAndRetry(step, async (pool) => {
      expect(await tracesOf(pool)).toEqual({ orders: 2, commands: 2, messages: 2 })
    })

    expect(retries.filter(({ replayed }) => replayed)).toEqual([])
    expect(await tracesOf(database.pool)).toEqual({ orders: 4, commands: 6, messages: 6 })
  })

  it.each(stepsAfterCommit)('%s has done it, and the retry is told so', async (step) => {
    const { database, retries } = await dieAndRetry(step, (pool) =>
      until(async () => (await tracesOf(pool)).commands > 2),
    )

    expect(retries.some(({ replayed }) => replayed)).toBe(true)
    expect(await tracesOf(database.pool)).toEqual({ orders: 4, commands: 6, messages: 6 })
  })

  // A server that cannot deliver its replies may end the session before it comes to the COMMIT.
  it('after commit was sent has done all of it or nothing, and the retry sees which', async () => {
    const { database } = await dieAndRetry('after commit was sent', async () => {})

    expect(await tracesOf(database.pool)).toEqual({ orders: 4, commands: 6, messages: 6 })
  })
})

/**
 * Two orders are placed and answered; then two more, an update and a cancel are sent at once, and
 * the process dies over their first batch. Started again, all six are sent again, twice.
 */
async function dieAndRetry(step: string, look: (pool: TestDatabase['pool']) => Promise<void>) {
  const database = await testDatabase(migrations)
  const dying = await startDying(database, step)
  const userId = freshId()
  const before = ['a', 'b'].map((key) => ({ key, body: orderOf(userId) }))
  const answered: Told[] = []
  for (const asked of before) answered.push(await ask(dying.url, asked))
  const ids = answered.map((told) => bodyOf(told).id)
  const deadly: Asked[] = [
    { key: 'c', body: orderOf(userId) },
    { body: orderOf(userId, 1, freshId()) },
    {
      key: 'd',
      method: 'PUT',
      path: `/orders/${ids[0]}`,
      body: { version: 1, lines: orderOf(userId, 7).lines },
    },
    { key: 'e', method: 'DELETE', path: `/orders/${ids[1]}` },
  ]

  const ends = await Promise.allSettled(deadly.map((asked) => ask(dying.url, asked)))
  expect(ends.map(({ status }) => status)).toContain('rejected')
  const [, signal] = await dying.exited
  await look(database.pool)
  const product = await startProduct({ DATABASE_URL: databaseUrl(database) })
  const retries = await Promise.all(deadly.map((asked) => ask(product.url, asked)))
  const again = await Promise.all([...before, ...deadly].map((asked) => ask(product.url, asked)))

  expect(signal).toBe('SIGKILL')
  expect(retries.map(({ answer }) => answer.status)).toEqual([201, 201, 200, 200])
  expect(again.filter(({ replayed }) => !replayed)).toEqual([])
  expect(again.map(({ answer }) => answer)).toEqual(
    [...answered, ...retries].map(({ answer }) => answer),
  )
  for (const [index, end] of ends.entries()) {
    if (end.status === 'fulfilled') expect(retries[index]!.answer).toEqual(end.value.answer)
  }
  return { database, retries }
}

async function startDying(
  database: TestDatabase,
  step: string,
): Promise<{ url: string; exited: Promise<unknown[]> }> {
  const thirdPass = '3'
  const script = join(import.meta.dirname, 'dying-product.ts')
  const child: ChildProcess = spawn(process.execPath, [script, step, thirdPass], {
    env: { DATABASE_URL: databaseUrl(database) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout!, 'data'), exited])
  return { url: String(line).trim(), exited }
}
