import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** What becomes of an answer on its way back. */
export type Fault = (answer: string, response: ServerResponse) => unknown

/** Somebody between an asker and a server who does to answers what he is told. */
export type FaultProxy = Readonly<{
  url: string
  /** From now on; undefined: answers pass as they are. */
  set(fault: Fault | undefined): void
  /** Nobody listens any more, or again. */
  down(): Promise<void>
  up(): Promise<void>
}>

/** Opens a proxy before a server until the test is over. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  let fault: Fault | undefined
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url, headers } = request
    const body = await text(request)
    const { 'semel-mac': mac = '' } = headers
    const answered = await fetch(`${target}${url}`, {
      ...{ method, body },
      headers: { 'semel-mac': String(mac) },
    })
    const answer = await answered.text()
    response.statusCode = answered.status
    if (fault === undefined) response.end(answer)
    else fault(answer, response)
  }
  const server = createServer((...exchange) => void pass(...exchange).catch(() => undefined))
  const down = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  const listen = async (port: number) => {
    if (server.listening) return
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as { port: number }
  onTestFinished(down)
  return {
    url: `http://127.0.0.1:${port}`,
    set: (next) => {
      fault = next
    },
    down,
    up: () => listen(port),
  }
}

/** The ways of being away: half an answer, none, one that comes late, and an error. */
export const troubles: Readonly<Record<string, Fault>> = {
  truncated(answer, response) {
    response.setHeader('content-length', answer.length)
    response.write(answer.slice(0, answer.length / 2), () => response.destroy())
  },
  blackHoled: () => undefined,
  slow: (answer, response) => setTimeout(() => response.end(answer), 300).unref(),
  broken: (_, response) => response.writeHead(500).end('{"answers":[]}'),
}

type Told = { guid: string; status: number; body: string; seal: string }

/** Tells another's answer, cuts, forges, makes last longer, or leaves as it is. */
export function lies(random: () => number): Fault {
  const known: Told[] = []
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const lie = (told: Told): Told => {
    const { guid, body, seal } = told
    known.push(told)
    return pick([
      () => told,
      () => ({ ...pick(known), guid }),
      () => ({ ...told, body: body.slice(0, -3) }),
      () => ({ ...told, body: body.replace(/\d+/g, '7') }),
      () => ({ ...told, status: 200 }),
      () => ({ ...told, seal: seal.replace(/\.\d+/, '.9999999999999') }),
      () => ({ ...told, seal: seal.slice(0, -43) + 'A'.repeat(43) }),
    ])()
  }
  return (answer, response) => {
    const { answers } = JSON.parse(answer) as { answers: Told[] }
    response.end(JSON.stringify({ answers: answers.map(lie) }))
  }
}
