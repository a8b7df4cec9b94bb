import { afterAll, beforeAll, expect, it } from 'vitest'
import { openShop, type Shop, sell, semel, settled } from './shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  await sell(shop)
  await settled(shop.env)
})
afterAll(() => shop.close())

const ofNotifications = ['--group', 'notifications', '--topic', 'notification']
const reset = (...args: string[]) =>
  semel(['topics', 'reset', ...ofNotifications, ...args], shop.env)

it('refuses what is beyond the end, and says where that is', async () => {
  const told = await reset('--to', '99999', '--yes')

  expect(told).toMatchObject({ code: 2, stdout: '' })
  expect(told.stderr).toBe(
    'semel: there is no position 99999: notification/0 ends at 2; nothing was changed\n',
  )
})

it('sets back a group in all topics that it reads, where none is named', async () => {
  const all = ['topics', 'reset', '--group', 'messages', '--to', '0', '--yes', '--json']

  const told = await semel(all, shop.env)
  const topics = JSON.parse(told.stdout).map(({ topic }: { topic: string }) => topic)

  expect(topics.toSorted()).toEqual([
    ...['billing', 'billing_dead', 'message', 'order', 'order_dead'],
  ])
})

it('refuses a partition of no topic', async () => {
  const told = await semel(
    ['topics', 'reset', '--group', 'messages', '--partition', '0', '--to', '0'],
    shop.env,
  )

  expect(told).toMatchObject({ code: 2, stdout: '' })
  expect(told.stderr).toBe('semel: --partition is one of a topic: add --topic\n')
})

it('refuses to read again what was told before all that is remembered, unless it is meant', async () => {
  const { pool } = shop.database
  const then = new Date('2026-01-02T03:04:05.000Z')
  await pool.query(`update outbox set time = $1 where topic = 'notification' and position = 0`, [
    then,
  ])

  const refused = await reset('--to', '0')
  const later = await reset('--to', '1', '--yes')
  const meant = await reset('--to', '0', '--beyond-memory', '--yes')
  await settled(shop.env)
  await pool.query(
    `insert into commands values (gen_random_uuid(), '', '', '', sha256(''), 1, null, null, null,
                                  $1, $1)`,
    [then],
  )
  const remembered = await reset('--to', '0', '--yes')

  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toBe(
    'semel: notification/0 at 0 was told on 2026-01-02T03:04:05.000Z, and commands of that time ' +
      'are forgotten (SEMEL_REMEMBERED_DAYS is 30): what was refused then could be done now. ' +
      'Reset to a later position, or add --beyond-memory; nothing was changed\n',
  )
  for (const done of [later, meant, remembered]) expect(done).toMatchObject({ code: 0, stderr: '' })
})
