import { randomUUID } from 'node:crypto'
import { exitCodes } from '@semel/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, orderOf } from '../../test/client.ts'
import { startProduct } from '../../test/product.ts'
import { openShop, ownDatabase, type Shop, sell, semel, settled } from './shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

const asJson = async (args: readonly string[]) => {
  const { stdout, stderr, code } = await semel([...args, '--json'], shop.env)
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

describe('semel keys get', () => {
  it('shows what was decided under a key of a header, with its answer', async () => {
    const { key, orderId } = await sell(shop)

    const shown = await semel(['keys', 'get', `paid-${key}`], shop.env)
    const [one, ...others] = await asJson(['keys', 'get', `paid-${key}`])

    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(/^operation .*\nplace-order +201 .*\n$/)
    expect(others).toEqual([])
    expect(one).toMatchObject({ commandId: orderId, operation: 'place-order' })
    expect(one).toMatchObject({ key: `h:paid-${key}`, scope: 'local/operator' })
    expect(one.answer).toMatchObject({ status: 201, headers: { location: `/orders/${orderId}` } })
    expect(JSON.parse(one.answer.body).id).toBe(orderId)
  })

  it('finds an id that the client made, and a UUID in whatever case', async () => {
    const [id, key] = [randomUUID(), randomUUID()]
    await ask(shop.url, { body: orderOf(randomUUID(), 1, id) })
    await ask(shop.url, { key, body: orderOf(randomUUID()) })

    expect(await asJson(['keys', 'get', id.toUpperCase()])).toMatchObject([{ key: `i:${id}` }])
    expect(await asJson(['keys', 'get', key.toUpperCase()])).toMatchObject([{ key: `h:${key}` }])
  })

  it('shows nothing of another scope', async () => {
    const { key, userId, orderId } = await sell(shop)

    const shown = await semel(['keys', 'get', `paid-${key}`, '--user', userId], shop.env)

    expect(shown).toMatchObject({ code: 3, stdout: '' })
    expect(shown.stderr).toMatch(
      `semel: nothing was decided under the key paid-${key} for -/user:${userId}, `,
    )
    const ofOrder = await semel(['keys', 'get', orderId], shop.env)
    expect(ofOrder.stderr).toMatch(/; ids of orders and requests are for semel trace\n$/)
  })
})

describe('semel topics', () => {
  it('shows how far every group has come', async () => {
    await sell(shop)
    await settled(shop.env)

    const shown = await semel(['topics'], shop.env)
    const positions = await asJson(['topics'])

    expect(shown.stdout).toMatch(
      /^group +topic +partition +position +head +lag\nbilling +billing +0/,
    )
    const ofBilling = positions.find(({ group }: { group: string }) => group === 'billing')
    expect(ofBilling).toMatchObject({ topic: 'billing', partition: 0, lag: 0 })
    expect(ofBilling.position).toBe(ofBilling.head)
  })

  it('resets a group that runs: it reads all again, and nothing changes', async () => {
    const { userId } = await sell(shop)
    const state = async () => [
      await ask(shop.url, { method: 'GET', path: `/accounts/${userId}` }),
      await ask(shop.url, { method: 'GET', path: `/notifications?userId=${userId}` }),
    ]
    await settled(shop.env)
    const before = await state()
    const args = ['topics', 'reset', '--group', 'billing', '--topic', 'billing', '--to', '0']

    const asked = await semel(args, shop.env)
    const done = await semel([...args, '--yes'], shop.env)
    await settled(shop.env)

    expect(asked.code).toBe(2)
    expect(asked.stderr).toMatch(
      /^semel: this would move billing at billing\/0 from \d+ to 0 \(read .* again\)\. Add --yes.*\n$/,
    )
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toMatch(/^billing reads billing\/0 from 0 \(was \d+\)\.\n/)
    expect(await state()).toEqual(before)
    expect((await semel(['check'], shop.env)).code).toBe(0)
  })

  it('says in JSON what a reset did, and what is known where the name is wrong', async () => {
    await sell(shop)
    const reset = ['topics', 'reset', '--to', '0', '--yes']
    const run = (...args: string[]) => semel([...reset, ...args], shop.env)

    const done = await run('--group', 'notifications', '--topic', 'notification', '--json')
    const group = await run('--group', 'nobody', '--topic', 'order')
    const topic = await run('--group', 'orders', '--topic', 'billing')
    const partition = await run('--group', 'orders', '--topic', 'order', '--partition', '7')

    expect(JSON.parse(done.stdout)).toMatchObject([{ group: 'notifications', partition: 0 }])
    expect(group).toMatchObject({ code: 3, stdout: '' })
    expect(group.stderr).toBe(
      'semel: there is no group nobody (known are billing, messages, notifications, orders)\n',
    )
    expect(topic.stderr).toBe('semel: there is no topic of orders billing (known are order)\n')
    expect(partition.stderr).toBe('semel: there is no partition of order 7 (known are 0)\n')
  })
})

describe('semel trace', () => {
  it('draws the life of a command by its key', async () => {
    const { key } = await sell(shop)
    await settled(shop.env)

    const { stdout, code } = await semel(['trace', `paid-${key}`], shop.env)

    expect(code).toBe(0)
    const [, diagram] = stdout.split('\n\n')
    const hops = diagram!
      .split('\n')
      .map((line) => line.replace(/^ *(\d+ +|(?=ms))/, '').replace(/ at \d+$/, ' at '))
    expect(hops).toEqual([
      'ms  client    orders    billing    notifications    messages',
      ...[
        '|-------->|         |             |              |  place-order: answered 201',
        '|         |-------->|             |              |  charge-wanted v1 450: decided at ',
        '|         |------------------------------------->|  message-answered answered 201: noted at ',
        '|         |<--------|             |              |  charge-decided v1 450 paid: decided at ',
        '|         |---------------------->|              |  notification-wanted v1 happiness: decided at ',
      ],
      '',
    ])
  })

  it('tells of a request that did not wait, by its guid, from the gateway on', async () => {
    const { guid } = await sell(shop)
    await settled(shop.env)

    const { commands, hops } = await asJson(['trace', guid])

    expect(commands).toMatchObject([{ guid, operation: 'place-order', status: 201 }])
    const told = hops.map(({ from, to, what, outcome }: Record<string, string>) =>
      [from, to, what, outcome].join(' | '),
    )
    expect(told.slice(0, 2)).toEqual([
      'client | gateway | place-order | accepted',
      'gateway | orders | place-order | decided',
    ])
    expect(told).toContain(
      'billing | orders | charge-decided v1 4500 declined balance-too-low | decided',
    )
    expect(hops[0]).toMatchObject({ atMs: 0 })
    expect(hops.every(({ atMs }: { atMs: number }) => atMs >= 0)).toBe(true)
  })

  it('tells all that was done to an order, whoever made its id', async () => {
    const { userId, orderId } = await sell(shop)
    const id = randomUUID()
    await ask(shop.url, { body: orderOf(userId, 1, id) })
    await ask(shop.url, { method: 'DELETE', path: `/orders/${id}?version=1`, key: randomUUID() })
    const body = { version: 1, lines: orderOf(userId, 2).lines }
    await ask(shop.url, { method: 'PUT', path: `/orders/${orderId}`, key: randomUUID(), body })
    await settled(shop.env)
    const operations = async (what: string) =>
      (await asJson(['trace', what])).commands.map(
        ({ operation }: { operation: string }) => operation,
      )

    expect(await operations(orderId)).toEqual(['place-order', 'update-order'])
    expect(await operations(id)).toEqual(['place-order', 'cancel-order'])
  })

  it('finds the client’s command by any that it caused', async () => {
    const { guid } = await sell(shop)
    await settled(shop.env)
    const { hops, commands } = await asJson(['trace', guid])
    const last = hops.find(({ to }: { to: string }) => to === 'notifications')

    const { commands: found } = await asJson(['trace', last.commandId])

    expect(found).toEqual(commands)
  })

  it('says of a key that was used for another body that it was refused, and no more', async () => {
    const { key, userId } = await sell(shop)
    const other = { key: `paid-${key}`, body: orderOf(userId, 3) }
    const { answer } = await ask(shop.url, { ...other, headers: { prefer: 'respond-async' } })
    const { guid } = JSON.parse(answer.body)
    await settled(shop.env)

    const { commands, hops } = await asJson(['trace', guid])

    expect(commands).toMatchObject([{ guid, commandId: null, status: 422 }])
    expect(hops.map(({ to, outcome }: Record<string, string>) => `${to} ${outcome}`)).toEqual([
      'gateway accepted',
      'orders answered',
      'messages decided',
    ])
  })

  it('says in one line what to add where nothing is known', async () => {
    const { code, stdout, stderr } = await semel(['trace', 'nothing'], shop.env)

    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toBe(
      'semel: nothing is known of nothing; ' +
        'a key belongs to who sent it: --user <id>, --operator <sub> or --scope <scope>\n',
    )
  })
})

describe('the command line', () => {
  const usage: [string, RegExp][] = [
    [
      'settle',
      /unknown command 'settle' \(known are start, service, migrate, config, token, keys, topics, dead-letters, trace, check, probe;/,
    ],
    [
      'topics --frob',
      /unknown option '--frob' \(known are create, reset, --json; see semel topics --help\)/,
    ],
    ['topics rest', /too many arguments for 'topics'.*\(known are create, reset, --json;/],
    ['topics reset --group orders', /required option '--to <position>' not specified/],
    ['topics reset --group o --topic o --to -1', /argument '-1' is invalid. It must be a whole n/],
    ['keys get', /missing required argument 'key'/],
    ['keys get k --scope nobody', /not a scope: "nobody"; scopes are local\/operator, /],
    ['keys get k --user a --operator b', /--scope, --user and --operator exclude each other/],
    ['keys get k --tenant t', /--tenant needs --user or --operator/],
    ['trace', /missing required argument 'what'/],
    ['check now', /too many arguments for 'check'/],
  ]

  it.each(usage)('refuses “%s” in one line, with what is known', async (line, said) => {
    const { code, stdout, stderr } = await semel(line.split(' '), shop.env)

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^semel: [^\n]+\n$/)
    expect(stderr).toMatch(said)
  })

  it.each([
    ...[
      '',
      'start',
      'token',
      'keys',
      'keys get',
      'topics',
      'topics reset',
      'trace',
      'check',
      'probe',
    ],
    ...['', ' ls', ' show', ' redrive', ' discard'].map((one) => `dead-letters${one}`),
  ])('has help with examples and exit codes for “semel %s”', async (line) => {
    const { code, stdout } = await semel([...line.split(' ').filter(Boolean), '--help'])

    expect(code).toBe(0)
    expect(stdout).toMatch(/\nExamples:\n {2}\S/)
    for (const { code, means } of Object.values(exitCodes)) {
      expect(stdout).toContain(`  ${code}  ${means}\n`)
    }
  })

  it('shows its help, as a fault, where no command is named', async () => {
    expect(await semel([])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Usage: semel/),
    })
  })

  it('says in one line that nothing runs, and that a database is not Semel’s', async () => {
    const empty = await ownDatabase()

    const none = await semel(['topics'], { SEMEL_DATA: '/nowhere/at/all' })
    const foreign = await semel(['check'], { DATABASE_URL: empty.url })
    await empty.drop()

    expect(none).toMatchObject({ code: 4, stdout: '' })
    expect(none.stderr).toMatch(
      /^semel: no PostgreSQL is running on \/nowhere\/at\/all; start .*\n$/,
    )
    expect(foreign).toMatchObject({ code: 4, stdout: '' })
    expect(foreign.stderr).toMatch(
      /^semel: the database .* has not the tables of this release .*\n$/,
    )
  })

  it('finds the database of a system that runs on a PostgreSQL of its own', async () => {
    const product = await startProduct()
    const folder = /PostgreSQL in (.*)/.exec(product.output())![1]!

    const { code, stdout } = await semel(['check'], { SEMEL_DATA: folder })

    expect(stdout).toMatch(/\n15 checks, no violation\.\n$/)
    expect(code).toBe(0)
  })
})
