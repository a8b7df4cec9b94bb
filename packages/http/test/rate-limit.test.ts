import { describe, expect, it } from 'vitest'
import type { NotebookOptions } from './notebook.ts'
import { day, key, noteId, openWithCallers } from './notebook-client.ts'
import { ann, bob } from './tokens.ts'

/** A notebook whose callers may have so many commands decided at once, and one a second. */
async function open(burst: number, options: NotebookOptions = {}) {
  const limit = { nowMs: 0 }
  const rateLimit = { perMinute: 60, burst, nowMs: () => limit.nowMs }
  const server = { ...options.server, rateLimit }
  return { ...(await openWithCallers({ ...options, server })), limit }
}

type Told = Readonly<{ statusCode: number; headers: Record<string, unknown> }>
const leftOf = ({ headers }: Told) => headers.ratelimit
const statusesOf = (answers: readonly Told[]) => answers.map(({ statusCode }) => statusCode)

describe('a caller who asks for more than the limit', () => {
  it('is told 429 with the time to wait, and nothing is executed', async () => {
    const { write, milk, rows } = await open(1)
    await write(key('k'), milk)

    const answer = await write(key('l'), { ...milk, id: undefined })

    expect([answer.statusCode, answer.name]).toEqual([429, 'rate-limited'])
    expect(answer.json().type).toBe('/problems/rate-limited')
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '1',
      ratelimit: '"commands";r=0;t=1',
      'ratelimit-policy': '"commands";q=1;w=1',
      'cache-control': 'no-store',
    })
    expect(rows()).toEqual({ commands: 1, notes: 1 })
  })

  it('sends the same again after that time, under the same key, and it is executed', async () => {
    const { write, milk, limit, notes } = await open(1)
    await write(key('k'), milk)
    const other = { userId: ann, text: 'eggs' }
    const early = await write(key('l'), other)

    limit.nowMs += Number(early.headers['retry-after']) * 1000
    const later = await write(key('l'), other)

    expect([early.statusCode, later.statusCode]).toEqual([429, 201])
    expect(later.headers['idempotent-replayed']).toBeUndefined()
    expect(notes().map(({ text }) => text)).toEqual(['milk', 'eggs'])
  })

  it('takes nothing from others', async () => {
    const { write, milk, tokens } = await open(1)
    await write(key('k'), milk)
    await write(key('l'), milk)

    const ofBob = await write(key('k'), { userId: bob, text: 'bread' }, tokens.bob)

    expect(ofBob.statusCode).toBe(201)
  })

  it('is everybody, where callers are not told apart', async () => {
    const { write, milk } = await open(1, { callers: { kind: 'none' } })
    await write(key('k'), milk, 'Bearer one')

    expect((await write(key('l'), milk, 'Bearer two')).statusCode).toBe(429)
  })

  it('is let in up to the limit, however many requests come at once', async () => {
    const { write, rows } = await open(5)
    const send = (n: number) => write(key(`k-${n}`), { userId: ann, text: 'milk' })

    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => send(n)))

    const limited = statusesOf(answers).filter((status) => status === 429)
    expect(limited).toHaveLength(35)
    expect(rows()).toEqual({ commands: 5, notes: 5 })
  })
})

describe('a request counts', () => {
  it('a tenth of a command for a repeat, and for a query', async () => {
    const { write, get, milk } = await open(3)
    const decided = await write(key('k'), milk)

    const repeats = [
      ...(await inTurn(10, () => write(key('k'), milk))),
      ...(await inTurn(10, () => get())),
    ]

    expect(leftOf(decided)).toBe('"commands";r=2')
    expect(leftOf(repeats[9]!)).toBe('"commands";r=1')
    expect(leftOf(repeats[19]!)).toBe('"commands";r=0')
    expect(statusesOf(repeats)).toEqual([...Array(10).fill(201), ...Array(10).fill(200)])
  })

  it('as a command for a refusal that was decided, and a tenth for its repeat', async () => {
    const { rewrite } = await open(3)
    const body = { version: 1, text: 'eggs' }

    const refused = await rewrite(key('k'), body)
    const repeats = await inTurn(11, () => rewrite(key('k'), body))

    expect([refused.statusCode, leftOf(refused)]).toEqual([404, '"commands";r=2'])
    expect(repeats.slice(-2).map(leftOf)).toEqual(['"commands";r=1', '"commands";r=0'])
  })

  it('a tenth for a key that was used for something else, or is spent', async () => {
    const { write, milk, time } = await open(3)
    await write(key('k'), milk)

    const reused = await inTurn(5, () => write(key('k'), { ...milk, text: 'eggs' }))
    time.now = new Date(time.now.getTime() + day)
    const expired = await inTurn(5, () => write(key('k'), milk))

    expect([reused[4]!.statusCode, leftOf(reused[4]!)]).toEqual([422, '"commands";r=1'])
    expect([expired[4]!.statusCode, leftOf(expired[4]!)]).toEqual([410, '"commands";r=1'])
  })

  it('as a command if it is one that is taken for later', async () => {
    const { write, milk } = await open(2, { server: { publish: async () => undefined } })

    const answers = await inTurn(3, () => write({ ...key('k'), prefer: 'respond-async' }, milk))

    expect(statusesOf(answers)).toEqual([202, 202, 429])
  })

  it('a tenth for what cannot be executed now', async () => {
    const { write, milk } = await open(3, { executor: { queueMax: 0 } })

    const answers = await inTurn(10, () => write(key('k'), milk))

    expect([answers[9]!.statusCode, leftOf(answers[9]!)]).toEqual([503, '"commands";r=2'])
  })

  it('nothing where it is refused without a look-up, and that is said first', async () => {
    const { write, get, milk, send } = await open(1)
    await write(key('k'), milk)
    const refused = [
      write({}, milk, ''),
      write(key('"'), milk),
      write(key('l'), '{'),
      write({}, { userId: ann, text: 'eggs' }),
      write(key('l'), { userId: bob, text: 'eggs' }),
      send('GET', `/notes?userId=${bob}`)(),
      send('GET', '/notes?limit=many')(),
    ]

    const answers = await Promise.all(refused)

    expect(statusesOf(answers)).toEqual([401, 400, 400, 400, 403, 403, 400])
    expect(answers.map(leftOf)).toEqual(Array(7).fill(undefined))
    expect((await get()).statusCode).toBe(429)
  })

  it('once, also where its answer says where the resource is', async () => {
    const { write, milk, time, limit } = await open(1)
    await write(key('k'), milk)
    time.now = new Date(time.now.getTime() + day)
    limit.nowMs = 1000

    const expired = await write(key('k'), milk)
    limit.nowMs = 1100
    const again = await write(key('k'), milk)

    expect([expired.statusCode, again.statusCode]).toEqual([410, 410])
    expect(again.headers.location).toBe(`/notes/${noteId}`)
  })
})

async function inTurn<T>(times: number, ask: () => Promise<T>): Promise<T[]> {
  const told: T[] = []
  for (let n = 0; n < times; n += 1) told.push(await ask())
  return told
}
