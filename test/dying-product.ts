import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { postgresStore } from '@semel/commands/postgres'
import { createGateway } from '@semel/gateway'
import { createOrders } from '@semel/orders'
import { createPool, type Pool, type Statement, type Tx } from '@semel/postgres'

/**
 * The product, except that it kills itself at a step of a command's life: the n-th time that it
 * passes there. Its steps are the statements of a batch, by name, and what comes after them.
 */
const [step, passes] = process.argv.slice(2)
let passesLeft = Number(passes)

/** How much of an answer is sent before the process dies. */
const answerSteps: Readonly<Record<string, (bytes: number) => number>> = {
  'before the answer': () => 0,
  'with half of the answer sent': (bytes) => bytes >> 1,
  'with all of the answer sent but its last byte': (bytes) => bytes - 1,
}

function pass(name: string): void {
  if (name !== step) return
  passesLeft -= 1
  if (passesLeft === 0) process.kill(process.pid, 'SIGKILL')
}

const pool = createPool({ connection: { url: process.env.DATABASE_URL! } })
const store = postgresStore(pool)
const orders = createOrders({
  pool,
  currency: 'EUR',
  executor: {
    store: { ...store, transaction: (work) => store.transaction((tx) => work(passing(tx))) },
  },
})
passAtCommit(pool)
passAtAnswers()
const gateway = await createGateway({
  callers: { kind: 'none' },
  faces: [orders],
  ready: async () => ({ ready: true, faults: [] }),
})
const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`http://127.0.0.1:${port}\n`)

function passing(tx: Tx): Tx {
  return {
    ...tx,
    async query<Row extends object>(statement: Statement) {
      pass(`before ${statement.name}`)
      const rows = await tx.query<Row>(statement)
      pass(`after ${statement.name}`)
      return rows
    },
    send(statement) {
      pass(`before ${statement.name}`)
      tx.send(statement)
      pass(`after ${statement.name}`)
    },
  }
}

function passAtCommit(commits: Pool): void {
  commits.on('connect', (client) => {
    const query = client.query.bind(client) as (sql: unknown, ...more: unknown[]) => unknown
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
    const passingQuery = (sql: unknown, ...more: unknown[]) => {
      const reply = query(sql, ...more)
      if (sql !== 'commit') return reply
      // Called back when all that was written before it is on its way.
      stream.write('', () => pass('after commit was sent'))
      return (reply as Promise<unknown>).then((result) => {
        pass('after commit was answered')
        return result
      })
    }
    client.query = passingQuery as typeof client.query
  })
}

function passAtAnswers(): void {
  const sentBytes = answerSteps[step!]
  if (sentBytes === undefined) return
  subscribe('http.server.request.start', (event) => {
    const { request, socket } = event as { request: { method: string }; socket: Socket }
    if (request.method === 'GET') return
    passesLeft -= 1
    if (passesLeft === 0) dieWhileAnswering(socket, sentBytes)
  })
}

function dieWhileAnswering(socket: Socket, sentBytes: (bytes: number) => number): void {
  const write = socket.write.bind(socket)
  const chunks: Buffer[] = []
  const die = () => void process.kill(process.pid, 'SIGKILL')
  socket.write = (chunk: string | Uint8Array, encoding?: unknown) => {
    chunks.push(
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk),
    )
    if (chunks.length > 1) return true
    setImmediate(() => {
      const whole = Buffer.concat(chunks)
      write(whole.subarray(0, sentBytes(whole.length)), die)
    })
    return true
  }
}
