import { once } from 'node:events'
import { connect } from 'node:net'
import { createIdentify, createServer } from '@semel/http'
import { expect, it } from 'vitest'

it.each([
  ['says nothing', ''],
  ['stops in its headers', 'GET /health/live HTTP/1.1\r\nHo'],
  ['stops in its body', 'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{'],
])(
  'a server that closes does not wait for a client that %s',
  async (_, bytes) => {
    const server = await createServer({
      faces: [],
      identify: createIdentify({ kind: 'none' }),
      ready: async () => ({ ready: true, faults: [] }),
    })
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
    const client = connect(port, '127.0.0.1')
    await once(client, 'connect')
    const closed = once(client, 'close')
    if (bytes !== '') client.write(bytes)
    client.on('error', () => {}).resume()
    await fetch(`http://127.0.0.1:${port}/health/live`, { headers: { connection: 'close' } })

    await server.close()
    await closed

    expect(client.destroyed).toBe(true)
  },
  5_000,
)
