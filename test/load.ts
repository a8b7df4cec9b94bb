import { type Answer, ask, freshId, orderOf, type Told, times } from './client.ts'

/** Clients that place one order after the other, each under a fresh key, until told to stop. */
export type Load = Readonly<{
  /** What every request asks for, and for whom. */
  asked: Readonly<{ body: object; token?: string }>
  /** Every key that was sent, answered or not. */
  sent: ReadonlySet<string>
  /** What was answered with an order, by key. */
  placed: ReadonlyMap<string, Told>
  /** What was answered otherwise, by key. */
  refused: ReadonlyMap<string, Told>
  /** When every client has its last answer: resolves, or rejects if one had none. */
  stop(): Promise<void>
}>

const pauseAfterRefusalMs = 20
const shownMax = 100

/** Starts clients, with a token where the product asks for one. */
export function startLoad(
  url: string,
  clients: number,
  caller: Readonly<{ token?: string }> = {},
): Load {
  const asked = { ...caller, body: orderOf(freshId()) }
  const load = freshId()
  const placed = new Map<string, Told>()
  const refused = new Map<string, Told>()
  const sent = new Set<string>()
  let isStopped = false
  const client = async (name: number) => {
    for (let n = 0; !isStopped; n += 1) {
      const key = `${load}-client-${name}-${n}`
      sent.add(key)
      const told = await ask(url, { ...asked, key })
      if (told.answer.status === 201) placed.set(key, told)
      else {
        refused.set(key, told)
        await new Promise((resolve) => setTimeout(resolve, pauseAfterRefusalMs))
      }
    }
  }
  const running = Promise.allSettled(times(clients, client))
  return {
    asked,
    sent,
    placed,
    refused,
    async stop() {
      isStopped = true
      for (const end of await running) if (end.status === 'rejected') throw end.reason
    },
  }
}

/** Sends the requests of keys again, once, at most 100 at a time. */
export async function repeatAll(
  url: string,
  { asked }: Load,
  keys: Iterable<string>,
): Promise<Map<string, Told>> {
  const told = new Map<string, Told>()
  const left = [...keys]
  while (left.length > 0) {
    const some = left.splice(0, 100)
    const answers = await Promise.all(some.map((key) => ask(url, { ...asked, key })))
    for (const [index, key] of some.entries()) told.set(key, answers[index]!)
  }
  return told
}

/** How often each refusal was told, by a line that says whose it is. */
export function refusalsOf({ refused }: Pick<Load, 'refused'>): Readonly<Record<string, number>> {
  const lines = [...refused.values()].map(({ answer }) => lineOf(answer))
  return Object.fromEntries(
    [...Map.groupBy(lines, (line) => line)].map(([line, all]) => [line, all.length]),
  )
}

/** Semel refuses by problems alone; an ingress, or its controller, by a text of its own. */
function lineOf({ status, headers, body }: Answer): string {
  if (!headers['content-type']?.startsWith('application/problem+json')) {
    return `${status}, not of Semel: ${body.trim().slice(0, shownMax)}`
  }
  const { type, title, detail = title, effect } = JSON.parse(body)
  return `${status} ${type} of Semel${effect === undefined ? '' : `, effect ${effect}`}: ${detail}`
}
