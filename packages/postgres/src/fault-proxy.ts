import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** A message on its way to the server: its type byte, and the SQL in it (`Q` and `P` only). */
export type ClientMessage = Readonly<{ type: string; sql: string | undefined }>

/**
 * What becomes of a message. `cut-before`: it never arrives and the client loses its connection.
 * `cut-after`: it arrives, takes effect, and the client loses its connection before any reply.
 */
export type Fate = 'pass' | 'cut-before' | 'cut-after'

/** A proxy in front of a server, for tests of what happens when connections break. */
export type FaultProxy = Readonly<{
  port: number
  /** Breaks every connection there is. */
  cutAll(): void
  close(): Promise<void>
}>

/**
 * Starts a proxy on loopback that passes PostgreSQL's wire protocol on, message by message, and
 * asks `decide` about each one that goes to the server. Connections must not use TLS.
 */
export async function startFaultProxy(
  target: NetConnectOpts,
  decide: (message: ClientMessage) => Fate,
): Promise<FaultProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    pass(client, upstream, decide)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cutAll,
    close() {
      cutAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function pass(client: Socket, upstream: Socket, decide: (message: ClientMessage) => Fate): void {
  let pending = Buffer.alloc(0)
  let started = false
  let cut = false
  upstream.on('data', (chunk) => void (cut || client.write(chunk)))
  upstream.on('close', () => client.destroy())
  client.on('close', () => void (cut || upstream.destroy()))
  client.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (!cut) {
      const size = sizeOfFirst(pending, started)
      if (size === undefined || pending.length < size) return
      const message = pending.subarray(0, size)
      pending = pending.subarray(size)
      const fate = started ? decide(read(message)) : 'pass'
      started = true
      if (fate !== 'cut-before') upstream.write(message)
      if (fate === 'pass') continue
      cut = fate === 'cut-after'
      // What was sent is read before the end is: the message takes effect, the session ends.
      if (cut) upstream.end()
      client.destroy()
      return
    }
  })
}

/** A start-up message has no type byte: length first, then the rest. */
function sizeOfFirst(bytes: Buffer, started: boolean): number | undefined {
  if (!started) return bytes.length < 4 ? undefined : bytes.readInt32BE(0)
  return bytes.length < 5 ? undefined : bytes.readInt32BE(1) + 1
}

function read(message: Buffer): ClientMessage {
  const type = String.fromCharCode(message[0]!)
  if (type === 'Q') return { type, sql: textAt(message, 5) }
  if (type !== 'P') return { type, sql: undefined }
  return { type, sql: textAt(message, message.indexOf(0, 5) + 1) }
}

function textAt(message: Buffer, from: number): string {
  return message.toString('utf8', from, message.indexOf(0, from))
}
