import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { openWithCallers } from './notebook-client.ts'

/**
 * A server that closes a connection while bytes come makes the kernel reset it, and then a client,
 * or the proxy before it, may never read the answer.
 */
it.each([
  ['too large', 413, 'body-too-large', (token: string) => [`Authorization: ${token}`]],
  ['too large, and not anybody’s', 401, 'unauthenticated', () => []],
])(
  'who sends a body that is %s hears so after the last byte of it',
  async (_, status, name, fieldsOf) => {
    const { server, tokens } = await openWithCallers()
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
    const client = connect(port, '127.0.0.1').setEncoding('latin1').pause()
    const body = Buffer.alloc(16 * 2 ** 20, ' ')
    const fields = ['Host: x', 'Content-Type: application/json', `Content-Length: ${body.length}`]
    client.write(['POST /notes HTTP/1.1', ...fields, ...fieldsOf(tokens.ann), '', ''].join('\r\n'))

    await new Promise<void>((resolve, reject) => {
      client.once('error', reject).write(body, (error) => (error ? reject(error) : resolve()))
    })
    client.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    let told = ''
    client.on('data', (text: string) => {
      told += text
    })
    client.resume()
    await once(client, 'close')

    expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`, 'HTTP/1.1 200'])
    expect(told).toContain(`/problems/${name}`)
  },
)
