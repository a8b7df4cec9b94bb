import { randomUUID } from 'node:crypto'
import { commandId, localOperator, serviceScope } from '@semel/commands'
import { transaction } from '@semel/postgres'
import { outboxAppend } from '@semel/topics'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../test/product.ts'
import { openShop, type Shop, semel, settled } from './shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

it('lists what is parked and why, and what waits behind it', async () => {
  const key = `list-${randomUUID()}`
  const [first, second] = [await send(key), await send(key)]

  const letters = await parked(key, 2)
  const shown = await semel(['dead-letters', 'ls', '--key', key], shop.env)

  expect(letters.map(({ id }) => id)).toEqual(expect.arrayContaining([first, second]))
  expect(letters.find(({ id }) => id === first)).toMatchObject({
    ...{ group: 'orders', topic: 'order', partitionKey: key, type: 'charge-decided' },
    ...{ state: 'parked', reason: 'contract-violated', discarded: null, redriveAt: null },
  })
  expect(letters[0]).not.toHaveProperty('body')
  expect(shown.stdout).toMatch(/^id +group +place +key +type +state +reason +detail\n/)
  expect(shown.stdout.split('\n')).toHaveLength(4)
  expect(await list('--group', 'billing', '--key', key)).toEqual([])
  expect(await list('--limit', '1', '--key', key)).toHaveLength(1)
  const cut = await semel(['dead-letters', 'ls', '--limit', '1', '--key', key], shop.env)
  expect(cut.stdout).toMatch(/\nThere may be more: --limit 10\n$/)
  expect(shown.stdout).not.toContain('more')
})

it('shows a letter whole, and nothing that a terminal would obey', async () => {
  const key = `show-${randomUUID()}`
  const id = await send(key, 'red\u001b[31m')
  await parked(key, 1)

  const shown = await semel(['dead-letters', 'show', id.toUpperCase()], shop.env)
  const [letter] = JSON.parse(
    (await semel(['dead-letters', 'show', id, '--json'], shop.env)).stdout,
  )

  expect(shown.code).toBe(0)
  expect(shown.stdout).toMatch(/\nreason +contract-violated\n/)
  expect(shown.stdout).toMatch(/\nbody +\{"orderId":"red.*"\}\n/)
  expect(shown.stdout).not.toContain('\u001b')
  expect(JSON.parse(letter.body)).toEqual({ orderId: 'red\u001b[31m' })
})

it('discards with a reason, once, and keeps who did it and why', async () => {
  const key = `discard-${randomUUID()}`
  const id = await send(key)
  await parked(key, 1)
  const discard = (...args: string[]) => semel(['dead-letters', 'discard', ...args], shop.env)

  const silent = await discard(id)
  const done = await discard(id, '--reason', 'made by a test', '--by', 'me')
  const again = await discard(id, '--reason', 'made by a test')

  expect(silent.code).toBe(2)
  expect(silent.stderr).toMatch(/^semel: required option '--reason <text>' not specified/)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(/^1 letter discarded: never decided, and kept for the record\.\n/)
  expect(again.code).toBe(3)
  expect(again.stderr).toMatch(/^semel: no letter .* is parked; .*\n$/)
  expect(await list('--key', key)).toEqual([])
  expect(await list('--key', key, '--discarded')).toMatchObject([
    { id, state: 'discarded', discarded: { by: 'me', why: 'made by a test' } },
  ])
  expect((await semel(['dead-letters', 'show', id], shop.env)).stdout).toMatch(
    /\ndiscarded +\S+ by me: made by a test\n/,
  )
  expect((await semel(['check'], shop.env)).code).toBe(0)
})

it('redrives by a selection: what fails again stays, what waited behind is decided', async () => {
  const key = `redrive-${randomUUID()}`
  const broken = await send(key)
  await send(key, randomUUID(), true)
  await parked(key, 2)

  await semel(['dead-letters', 'redrive', '--key', key], shop.env)
  await until(async () => (await list('--key', key)).every(({ state }) => state === 'parked'))
  expect(await list('--key', key)).toHaveLength(2)
  await semel(['dead-letters', 'discard', broken, '--reason', 'broken'], shop.env)
  const redriven = await semel(
    ['dead-letters', 'redrive', '--group', 'orders', '--key', key],
    shop.env,
  )

  expect(redriven).toMatchObject({ code: 0, stderr: '' })
  expect(redriven.stdout).toMatch(/^1 letter will be tried again, /)
  await until(async () => (await list('--key', key)).length === 0)
})

it('says how many in JSON, and that there was nothing to do', async () => {
  const key = `none-${randomUUID()}`
  const run = (...args: string[]) => semel(['dead-letters', ...args, '--key', key], shop.env)

  const redriven = await run('redrive', '--json')
  const discarded = await run('discard', '--reason', 'r', '--json')

  expect(JSON.parse(redriven.stdout)).toEqual({ redriven: 0 })
  expect(JSON.parse(discarded.stdout)).toEqual({ discarded: [] })
  expect((await run('redrive')).stdout).toBe('No letters are parked there: nothing was redriven.\n')
  expect((await run('ls')).stdout).toBe('No dead letters.\n')
})

it.each([
  ['redrive', /say which letters: an id, or --group, --topic, --key, or --all\n$/],
  ['redrive --all --group orders', /--all and a selection exclude each other\n$/],
  ['discard --reason r', /say which letters: an id, or --group, --topic, --key\n$/],
  ['discard --group orders --reason=', /--reason and --by must say something\n$/],
  ['ls --limit 0', /argument '0' is invalid. It must be at least 1\./],
  ['show 7', /value '7' is invalid for argument 'id'\. It must be a UUID\./],
  ['list', /unknown command 'list' .*\(known are ls, show, redrive, discard;/],
])('refuses “dead-letters %s”, and changes nothing', async (line, said) => {
  const { code, stdout, stderr } = await semel(['dead-letters', ...line.split(' ')], shop.env)

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^semel: [^\n]+\n$/)
  expect(stderr).toMatch(said)
})

it('traces a message that is parked', async () => {
  const key = `trace-${randomUUID()}`
  await send(key)
  await parked(key, 1)
  await settled(shop.env)

  const letter = (await list('--key', key))[0]!
  const { stdout } = await semel(['trace', letter.commandId, '--json'], shop.env)

  expect(JSON.parse(stdout).hops).toEqual(
    expect.arrayContaining([expect.objectContaining({ to: 'orders', outcome: 'parked' })]),
  )
})

type Letter = Record<string, string> & { id: string; state: string; commandId: string }

/**
 * Sends orders a message that names no version, or a whole one, about an order that is not there;
 * in the name of a command that was decided, as a message of a service always is.
 */
async function send(key: string, orderId = 'none', isWhole = false): Promise<string> {
  const { pool } = shop.database
  const id = randomUUID()
  const time = new Date()
  const teller = commandId(serviceScope('orders'), 'charge-wanted', id)
  const rest = { version: 1, userId: randomUUID(), amount: 1, currency: 'EUR', outcome: 'paid' }
  await transaction(pool, async (tx) => {
    tx.send({
      text: `insert into commands values ($1, '@orders', 'charge-wanted', 'of ' || $2, $3, 1, 200, '{}',
                                          '{}', $4, $4)`,
      values: [teller, id, Buffer.alloc(32), time],
    })
    await outboxAppend()(tx, [
      {
        ...{ topic: 'order', partitionKey: key, id, type: 'charge-decided', source: 'billing' },
        ...{ time, scope: localOperator, commandId: teller },
        body: isWhole ? { orderId, ...rest } : { orderId },
      },
    ])
  })
  return id
}

async function list(...args: string[]): Promise<Letter[]> {
  const { stdout, stderr } = await semel(['dead-letters', 'ls', '--json', ...args], shop.env)
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

async function parked(key: string, count: number): Promise<Letter[]> {
  await until(async () => (await list('--key', key)).length === count)
  return list('--key', key)
}
