import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createTopics, kafkaTransport } from '@semel/topics/kafka'
import { patience, told } from '@semel/topics/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

type Answer = (socket: Socket, request: Buffer) => void

/** Of a request: what is asked, in which version, and the id that its answer is to have. */
const kindOf = (request: Buffer) => request.readInt16BE(4)
const versionOf = (request: Buffer) => request.readInt16BE(6)
const idOf = (request: Buffer) => request.subarray(8, 12)
const apiVersions = 18
const unsupported = Buffer.from([0, 35, 0, 0, 0, 0])

/** As Kafka 2.0 answers who asks for its versions; what it does not know, it hangs up on. */
const old: Answer = (socket, request) => {
  if (kindOf(request) !== apiVersions) return void socket.destroy()
  const apis = [
    [apiVersions, 0, 2],
    [3, 0, 6],
    [0, 0, 6],
    [1, 0, 8],
  ]
  const rows = apis.map((row) => Buffer.concat(row.map(int16)))
  const told = Buffer.concat([int16(0), int32(apis.length), ...rows, int32(0)])
  answer(socket, idOf(request), versionOf(request) > 2 ? unsupported : told)
}

const strangers: Readonly<Record<string, Answer>> = {
  'a web server': (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'a Redis': (socket) => void socket.write('-ERR unknown command\r\n'),
  'who says nothing': () => {},
  'who hangs up': (socket) => void socket.destroy(),
  'who answers with nothing': (socket, request) => answer(socket, idOf(request), Buffer.of()),
  'who answers another question': (socket) => answer(socket, int32(77), Buffer.alloc(8)),
  'who speaks of less than nothing': (socket) =>
    void socket.write(Buffer.concat([int32(-1), int32(9), int32(9)])),
}

describe.concurrent('where no Kafka answers', () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  beforeAll(() => {
    process.on('unhandledRejection', note)
    process.on('uncaughtException', note)
  })
  afterAll(() => {
    process.off('unhandledRejection', note)
    process.off('uncaughtException', note)
    expect(unhandled).toEqual([])
  })

  for (const [name, stranger] of Object.entries(strangers)) {
    it(`but ${name}: publishers, readers and operators are told soon`, async () => {
      await expectAllTold(stranger, 'unavailable')
    })
  }

  it('but a Kafka that is too old: publishers, readers and operators are told soon', async () => {
    await expectAllTold(old, 'not-supported')
  })
})

async function expectAllTold(stranger: Answer, code: string): Promise<void> {
  const { brokers, close } = await listen(stranger)
  const transport = kafkaTransport({ brokers })
  const reported: unknown[] = []
  const report = (error: unknown) => reported.push(error)
  const since = performance.now()

  const { stop } = transport.consume('g', ['a'], async () => {}, { report })
  const ends = await Promise.allSettled([
    transport.publish([told('a', 'k', 1)]),
    createTopics({ brokers, topics: [{ topic: 'a', partitions: 1 }] }),
  ])
  await vi.waitFor(() => expect(reported).not.toEqual([]), patience)

  const tookMs = performance.now() - since
  const isSo = expect.objectContaining({ code, message: expect.stringMatching(/^Kafka .*\(.+\)/) })
  expect(ends).toEqual([
    { status: 'rejected', reason: isSo },
    { status: 'rejected', reason: isSo },
  ])
  expect(tookMs).toBeLessThan(9000)
  expect(reported).toEqual(reported.map(() => isSo))
  // With back-off from 50 ms to 5 s, and not twice for one try.
  expect(reported.length).toBeLessThan(12)
  await stop()
  await transport.close()
  await close()
}

async function listen(stranger: Answer) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (request) => stranger(socket, request))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    brokers: [`127.0.0.1:${(server.address() as { port: number }).port}`],
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(socket: Socket, id: Buffer, body: Buffer): void {
  socket.write(Buffer.concat([int32(4 + body.length), id, body]))
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
