import { once } from 'node:events'
import { createServer } from 'node:http'
import { freePort } from '@semel/parts/testing'
import { testDatabase } from '@semel/postgres/testing'
import { expect, onTestFinished, test } from 'vitest'
import { tokenSecret } from '../../test/client.ts'
import { spawnProduct, startProduct, until } from '../../test/product.ts'
import { databaseUrl } from '../../test/replicas.ts'
import { migrations } from '../../test/saga.ts'
import { semel } from './shop.ts'

const secret = { AUTH_JWT_SECRET: tokenSecret }

test('the whole system keeps its promise, and the probe leaves one order', async () => {
  const database = await testDatabase([])
  const { url } = await startProduct({ DATABASE_URL: databaseUrl(database), ...secret })

  const ended = await semel(['probe', `${url}/`], secret)

  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout.split('\n').map((line) => line.slice(0, 14))).toEqual([
    ...['ok    ready: h', 'ok    decided:', 'ok    replayed', 'ok    once: GE', ''],
  ])
  expect((await database.pool.query('select from orders')).rowCount).toBe(1)
})

test('services alone are probed by what they offer', async () => {
  const database = await testDatabase(migrations)
  const env = { DATABASE_URL: databaseUrl(database) }

  const names = ['billing', 'notifications', 'messages']
  const ended = await Promise.all(
    names.map(async (name) => semel(['probe', (await startProduct(env, ['service', name])).url])),
  )

  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(names.map(() => [0, '']))
  const [billing, notifications, messages] = ended.map(({ stdout }) => stdout)
  expect(billing).toMatch(
    /\nok {4}replayed: .*\nok {4}once: GET \/accounts\/\S+\/entries lists one/,
  )
  expect(notifications).toMatch(/\nok {4}answers: GET \/notifications\?userId=\S+ is answered\n$/)
  expect(messages).toMatch(/\nok {4}answers: GET \/messages\?operation=\S+ is answered\n$/)
  expect((await database.pool.query('select from entries')).rowCount).toBe(1)
})

test.each([
  [
    'decides each repeat anew',
    { replays: false, makes: 2 },
    /\nFAIL {2}replayed: .*; headers: .*; body: expected .*order-1.*, found .*order-2.*\n$/,
  ],
  [
    'gives the first answer again, and makes two orders',
    { replays: true, makes: 2 },
    /\nok {4}replayed: .*\nFAIL {2}once: .* lists one order; count: expected 1, found 2\n$/,
  ],
  [
    'loses the order',
    { replays: true, makes: 0 },
    /\nFAIL {2}once: .* lists one order; count: expected 1, found 0\n$/,
  ],
])('a server that %s is told of, with what was expected and found', async (_, faulty, said) => {
  const ended = await semel(['probe', await faultyServer(faulty)])

  expect(ended.code).toBe(5)
  expect(ended.stdout).toMatch(said)
})

test('a system that knows callers is not asked twice without its secret', async () => {
  const { url } = await startProduct({
    DATABASE_URL: databaseUrl(await testDatabase([])),
    ...secret,
  })

  const ended = await semel(['probe', url])
  const wrong = await semel(['probe', url], {
    AUTH_JWT_SECRET: 'another secret of thirty-two bytes!!',
  })

  for (const { code, stdout, stderr } of [ended, wrong]) {
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /^semel: http:\S+ asks for another token \(.*\): set AUTH_JWT_SECRET .*\n$/,
    )
  }
})

test('a command that is refused is told of with its problem', async () => {
  const url = await listen((method, path) => {
    if (path === '/openapi.json') return [200, { paths: { '/orders': { post: {} } } }]
    return method === 'GET' ? [200, {}] : [400, { type: '/problems/request-invalid' }]
  })

  const { code, stdout } = await semel(['probe', url])

  expect(code).toBe(5)
  expect(stdout).toMatch(
    /\nFAIL {2}decided: .*; status: expected 201, found 400; .* found \/problems\/request-invalid\n$/,
  )
})

test('an address at which nobody is is one line, and waited for where it is asked', async () => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`

  const none = await semel(['probe', url])
  const waiting = spawnProduct({}, ['probe', url, '--wait', '60'])
  await until(async () => waiting.output().startsWith('semel: waiting up to 60 s: http'))
  const DATABASE_URL = databaseUrl(await testDatabase([]))
  await startProduct({ DATABASE_URL, PORT: `${port}` })

  expect(none).toMatchObject({ code: 4, stdout: '' })
  expect(none.stderr).toMatch(
    /^semel: http:\S+ cannot be reached \(.*ECONNREFUSED.*\); .*--wait.*\n$/,
  )
  expect(await waiting.exited).toBe(0)
})

test.each([
  [{}, 3, /^semel: http:\S+ is no Semel: .*\n$/],
  [
    { '/health/ready': [503, { status: 'not ready' }] },
    4,
    /^semel: http:\S+ answers 503 to GET .*\n$/,
  ],
] as const)('what is no Semel, or not ready, is one line', async (pages, code, said) => {
  const ended = await semel(['probe', await pageServer({ '/health/ready': [200, {}], ...pages })])

  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(said)
})

test('a command that is to be sent later is sent again under its key', async () => {
  let refusals = 2
  const url = await faultyServer({ replays: true, makes: 1 }, () => refusals-- > 0)

  const ended = await semel(['probe', url, '--wait', '60'])

  expect(ended.code).toBe(0)
  expect(ended.stderr).toMatch(/^semel: waiting up to 60 s: \S+ answers 503 to POST \/orders .*\n$/)
})

/** A server that takes orders, and makes so many of each command, whatever it answers. */
function faultyServer(
  { replays, makes }: Readonly<{ replays: boolean; makes: number }>,
  refuses = () => false,
): Promise<string> {
  const keys: string[] = []
  return listen((method, path, key) => {
    if (path === '/openapi.json') return [200, { paths: { '/orders': { post: {}, get: {} } } }]
    if (path === '/health/ready') return [200, { status: 'ready' }]
    if (method === 'GET') return [200, { items: Array(makes).fill({ id: 'order-1' }) }]
    if (refuses()) return [503, { type: '/problems/unavailable' }]
    keys.push(key)
    const isRepeat = keys.indexOf(key) < keys.length - 1
    const id = `order-${replays ? 1 : keys.length}`
    const replayed = replays && isRepeat ? { 'idempotent-replayed': 'true' } : {}
    return [201, { id }, { location: `/orders/${id}`, ...replayed }]
  })
}

function pageServer(pages: Readonly<Record<string, readonly [number, object]>>): Promise<string> {
  return listen((_, path) => pages[path] ?? [404, {}])
}

type Told = readonly [status: number, body: object, headers?: Record<string, string>]

async function listen(
  answer: (method: string, path: string, key: string) => Told,
): Promise<string> {
  const server = createServer(({ method = '', url = '', headers }, response) => {
    const [status, body, more = {}] = answer(method, url, `${headers['idempotency-key']}`)
    response.writeHead(status, { 'content-type': 'application/json', ...more })
    response.end(JSON.stringify(body))
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}
