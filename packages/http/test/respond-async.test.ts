import { type Command, guidOf } from '@semel/commands'
import { describe, expect, it } from 'vitest'
import { key, openWithCallers as open } from './notebook-client.ts'

/** A server that takes commands for later, and what it took. */
async function openWithTopics(publish?: () => Promise<void>) {
  const taken: Command[] = []
  const opened = await open({
    server: {
      publish: async (_, command) => {
        await publish?.()
        taken.push(command)
      },
    },
  })
  const later = (headers: Record<string, string>, body: unknown) =>
    opened.write({ prefer: 'respond-async', ...headers }, body)
  return { ...opened, taken, later }
}

describe('a command that is asked for with Prefer: respond-async', () => {
  it('is taken for later, with a receipt that says where its answer will be', async () => {
    const { later, milk, taken, rows } = await openWithTopics()

    const answer = await later(key('k'), milk)

    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toEqual({ guid: guidOf(taken[0]!), operation: 'write-note' })
    expect(answer.headers).toMatchObject({
      location: `/messages/${guidOf(taken[0]!)}`,
      'preference-applied': 'respond-async',
      'cache-control': 'no-store',
    })
    expect(rows()).toEqual({ commands: 0, notes: 0 })
  })

  it('gets the same receipt when it is repeated, also after it was answered', async () => {
    const { later, write, milk } = await openWithTopics()
    const first = await later(key('k'), milk)
    await write(key('k'), milk)

    const again = await later(key('k'), milk)

    expect([again.statusCode, again.body]).toEqual([202, first.body])
    expect(again.headers.location).toBe(first.headers.location)
  })

  it('gets another receipt for another body under its key, lenient or not', async () => {
    const { later, milk } = await openWithTopics()
    const first = await later(key('k'), milk)

    const other = { ...milk, text: 'eggs' }
    const lenient = { ...key('k'), prefer: 'respond-async, handling=lenient' }

    expect((await later(key('k'), other)).body).not.toBe(first.body)
    expect((await later(lenient, other)).statusCode).toBe(202)
  })

  it('is refused at once where the request is no good, and nothing is taken', async () => {
    const { later, milk, taken, tokens } = await openWithTopics()
    const asBob = { ...key('k'), authorization: tokens.bob }

    expect((await later(key('k'), { ...milk, text: 1 })).name).toBe('request-invalid')
    expect((await later({}, { ...milk, id: undefined })).name).toBe('key-missing')
    expect((await later(asBob, milk)).name).toBe('forbidden')
    expect(taken).toEqual([])
  })

  it('gets 503 when it is not known to be durable, and may be sent again', async () => {
    const { later, milk } = await openWithTopics(() => Promise.reject(new Error('no broker')))

    const answer = await later(key('k'), milk)

    expect([answer.statusCode, answer.json().effect]).toEqual([503, 'unknown'])
    expect(answer.headers['retry-after']).toBe('1')
  })

  it('gets 503 without effect when it is known that nothing took it', async () => {
    const full = Object.assign(new Error('too much waits'), { effect: 'none' })
    const { later, milk } = await openWithTopics(() => Promise.reject(full))

    const answer = await later(key('k'), milk)

    expect([answer.statusCode, answer.json().effect]).toEqual([503, 'none'])
    expect(answer.headers['retry-after']).toBe('1')
  })

  it('carries its trace, if that is one', async () => {
    const { later, milk, taken } = await openWithTopics()
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    await later({ ...key('k'), traceparent }, milk)
    await later({ ...key('l'), traceparent: 'nonsense' }, { ...milk, id: undefined })

    expect(taken.map((command) => command.traceparent)).toEqual([traceparent, undefined])
  })
})

it('a command without a topic, or a server that takes none, answers at once', async () => {
  const { milk, write, rewrite } = await openWithTopics()
  await write(key('k'), milk)
  const later = { ...key('r'), prefer: 'respond-async' }

  const answer = await rewrite(later, { text: 'tea', version: 1 })
  const { write: writeHere } = await open()

  expect(answer.statusCode).toBe(200)
  expect(answer.headers['preference-applied']).toBeUndefined()
  expect((await writeHere({ ...key('k'), prefer: 'respond-async' }, milk)).statusCode).toBe(201)
})
