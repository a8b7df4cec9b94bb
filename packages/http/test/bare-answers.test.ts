import { describe, expect, it } from 'vitest'
import { openNotebook } from './notebook.ts'
import { type RawAnswer, sendLines } from './raw-client.ts'

async function open() {
  const notebook = await openNotebook()
  const { port } = await notebook.server.listen({ host: '127.0.0.1', port: 0 })
  return { ...notebook, send: (...lines: string[]) => sendLines(port, lines) }
}

/** A problem as every other is, on a connection that then closes. */
function problemIn({ status, headers, body }: RawAnswer) {
  expect(headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
  })
  expect(JSON.parse(body).status).toBe(status)
  return JSON.parse(body)
}

describe('a request that does not say which host it is for', () => {
  it.each([
    ['names none', []],
    ['names two', ['Host: a', 'Host: b']],
    ['names one twice', ['Host: a', 'Host: a']],
  ])('is request-invalid when it %s, whatever it asks for', async (_, hosts) => {
    const { send, rows } = await open()

    for (const asked of ['GET /notes', 'POST /notes', 'GET /nowhere', 'GET /health/live']) {
      const answer = problemIn(await send(`${asked} HTTP/1.1`, ...hosts))

      expect(answer).toMatchObject({
        type: '/problems/request-invalid',
        errors: [{ in: 'header', pointer: '/Host', detail: 'must be given once' }],
      })
    }
    expect(rows().commands).toBe(0)
  })

  it('is answered when it names an empty one, or is older than hosts are', async () => {
    const { send } = await open()

    const empty = await send('GET /health/live HTTP/1.1', 'Host:', 'Connection: close')
    const old = await send('GET /health/live HTTP/1.0')

    expect([empty.status, old.status]).toEqual([200, 200])
  })
})

describe('a request with an expectation', () => {
  it('is expectation-failed where it is not known, and waits for no body', async () => {
    const { send, rows } = await open()
    const write = ['POST /notes HTTP/1.1', 'Host: x', 'Idempotency-Key: k', 'Content-Length: 50']

    const answer = problemIn(await send(...write, 'Expect: cake'))

    expect(answer).toMatchObject({ type: '/problems/expectation-failed', status: 417 })
    expect(rows().commands).toBe(0)
  })

  it('is told to continue where that is what it expects', async () => {
    const { send } = await open()

    const answer = await send(
      ...['GET /health/live HTTP/1.1', 'Host: x', 'Connection: close', 'Expect: 100-continue'],
    )

    expect([answer.status, answer.body]).toEqual([100, expect.stringMatching(/^HTTP\/1\.1 200 /)])
  })
})
