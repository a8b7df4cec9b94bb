import { expect, it } from 'vitest'
import { openWithCallers } from './notebook-client.ts'
import { sendLines } from './raw-client.ts'

/** A field that stands once may not stand twice: whoever is between us might believe the other. */

async function open() {
  const notebook = await openWithCallers()
  const { port } = await notebook.server.listen({ host: '127.0.0.1', port: 0 })
  const body = JSON.stringify(notebook.milk)
  const write = (...lines: string[]) => {
    const framing = ['Host: x', 'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`]
    return sendLines(port, ['POST /notes HTTP/1.1', ...framing, ...lines], body)
  }
  const ann = `Authorization: ${notebook.tokens.ann}`
  const bob = `Authorization: ${notebook.tokens.bob}`
  return { ...notebook, write, ann, bob }
}

const json = 'Content-Type: application/json'

it.each([
  [json, 'Content-Type: text/plain'],
  ['Content-Type: text/plain', json],
  [json, json],
])('two lines of Content-Type are refused: %s, %s', async (...types) => {
  const { write, ann, rows } = await open()

  const answer = await write(ann, ...types)

  expect(answer.status).toBe(415)
  expect(JSON.parse(answer.body).type).toBe('/problems/media-type-unsupported')
  expect(rows().commands).toBe(0)
})

it('two lines of Authorization are refused, also where both name one caller', async () => {
  const { write, ann, bob, rows } = await open()
  await write(ann, json, 'Idempotency-Key: other')

  for (const tokens of [
    [ann, bob],
    [bob, ann],
    [ann, ann],
    [ann, 'Authorization: Basic YTpi'],
    ['Authorization:', ann],
  ]) {
    const answer = await write(...tokens, json)

    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toMatchObject({
      type: '/problems/unauthenticated',
      detail: 'send one token, as `Bearer` and the token',
    })
  }
  expect(rows().commands).toBe(1)
})

it('two lines of a list are one list', async () => {
  const { write, ann } = await open()
  const first = await write(ann, json, 'Idempotency-Key: k')

  const again = await write(
    ann,
    json,
    'Idempotency-Key: k',
    'Prefer: a',
    'Prefer: handling=lenient',
  )

  expect([first.status, again.status]).toEqual([201, 201])
  expect(again.headers['idempotent-replayed']).toBe('true')
  expect(again.body).toBe(first.body)
})
