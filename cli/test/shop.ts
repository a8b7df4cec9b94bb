import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createPool, type Pool } from '@semel/postgres'
import '@semel/postgres/testing'
import { inject } from 'vitest'
import { ask, bodyOf, orderOf } from '../../test/client.ts'
import { openProduct, until } from '../../test/product.ts'

const bin = join(import.meta.dirname, '../bin/semel.mjs')

/** What a run of `semel` came to. */
export type Ran = Readonly<{ code: number; stdout: string; stderr: string }>

/** A database of its own on the server for tests; whoever opens it drops it. */
export type OwnDatabase = Readonly<{
  name: string
  url: string
  pool: Pool
  drop(): Promise<void>
}>

/** Makes an empty database, or a copy of another one that nobody is connected to. */
export async function ownDatabase(template = 'template1'): Promise<OwnDatabase> {
  const server = inject('testServer')
  const name = `test_${randomUUID().slice(0, 8)}`
  const admin = createPool({ connection: { ...server, database: 'postgres' }, connectionsMax: 1 })
  await admin.query(`create database ${name} template ${template}`)
  const pool = createPool({ connection: { ...server, database: name }, connectionsMax: 2 })
  const url =
    `postgres://${server.user}@/${name}` +
    `?host=${encodeURIComponent(server.host)}&port=${server.port}`
  return {
    ...{ name, url, pool },
    async drop() {
      if (!pool.ended) await pool.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** Runs the real `semel` with an environment of its own. */
export async function semel(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { HOME: '/nowhere', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...{ timeout: 60_000, killSignal: 'SIGKILL' },
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      said[name] += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...said }
}

/** A shop that runs on a database of its own. */
export async function openShop() {
  const database = await ownDatabase()
  const product = await openProduct({ DATABASE_URL: database.url })
  return {
    ...{ database, url: product.url },
    env: { DATABASE_URL: database.url },
    /** Ends the shop, and leaves its database. */
    stop: product.close,
    drop: database.drop,
    async close() {
      await product.close()
      await database.drop()
    },
  }
}

/** What {@link openShop} gives. */
export type Shop = Awaited<ReturnType<typeof openShop>>

/** A user with an account of 1,000, an order of 450 that is paid, and one of 4,500 that is not. */
export async function sell({ url }: Pick<Shop, 'url'>) {
  const userId = randomUUID()
  const key = randomUUID()
  await ask(url, { path: '/accounts', body: { userId, name: 'Ann' } })
  const deposits = `/accounts/${userId}/deposits`
  await ask(url, { path: deposits, key: `d-${key}`, body: { amount: 1000 } })
  const paid = bodyOf(await ask(url, { key: `paid-${key}`, body: orderOf(userId, 1) }))
  const receipt = bodyOf(
    await ask(url, {
      ...{ key: `declined-${key}`, body: orderOf(userId, 10) },
      headers: { prefer: 'respond-async' },
    }),
  )
  await until(async () => {
    const told = await ask(url, { method: 'GET', path: `/notifications?userId=${userId}` })
    return bodyOf(told).items.length === 2
  })
  await until(async () => {
    const message = await ask(url, { method: 'GET', path: `/messages/${receipt.guid}` })
    return bodyOf(message).state === 'answered'
  })
  return { userId, key, orderId: paid.id as string, guid: receipt.guid as string }
}

/** Waits until every group has read all there is. */
export async function settled(env: Readonly<Record<string, string>>): Promise<void> {
  await until(async () => {
    const { stdout } = await semel(['topics', '--json'], env)
    return JSON.parse(stdout).every(({ lag }: { lag: number }) => lag === 0)
  })
}
