import { type Asked, ask, bodyOf } from './client.ts'

/** A command, and what its client was told of it, by whichever way. */
export type Ended = Readonly<{
  asked: Asked
  /** The requests it was sent as without waiting: one, however often. */
  guids: ReadonlySet<string>
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: what the members are is what tests are about
  body: any
}>

/** What clients went through. */
export type Hardships = { broken: number; refused: number; later: number; now: number }

const patienceMs = 60_000
const pauseMs = 20

/**
 * Sends a command, to whichever process, by either way, again and again under its one key, until it
 * knows how the command ended.
 *
 * @throws Error when it does not know for long.
 */
export async function insist(
  urls: () => readonly string[],
  asked: Asked,
  hardships: Hardships,
): Promise<Ended> {
  const guids = new Set<string>()
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    const all = urls()
    const url = all[Math.floor(Math.random() * all.length)]
    try {
      const end = url === undefined ? undefined : await tryOnce(url, asked, guids, hardships)
      if (end !== undefined) return { asked, guids, ...end }
    } catch (error) {
      if (!(error instanceof TypeError) && (error as Error).name !== 'TimeoutError') throw error
      hardships.broken += 1
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw new Error(`nobody knows how it ended: ${JSON.stringify(asked)}`)
}

async function tryOnce(
  url: string,
  asked: Asked,
  guids: Set<string>,
  hardships: Hardships,
): Promise<Pick<Ended, 'status' | 'body'> | undefined> {
  const isLater = Math.random() < 0.5
  const headers = isLater ? { prefer: 'respond-async' } : {}
  const signal = AbortSignal.timeout(5000)
  const told = await ask(url, { ...asked, headers, signal })
  const { status } = told.answer
  if (status === 202) {
    hardships.later += 1
    guids.add(bodyOf(told).guid)
    return endIn(url, bodyOf(told).guid)
  }
  const isInFlight = status === 409 && bodyOf(told).type === '/problems/in-flight'
  if (status >= 500 || isInFlight) {
    hardships.refused += 1
    return undefined
  }
  hardships.now += 1
  return { status, body: bodyOf(told) }
}

/** What the registry says, if it knows soon. */
async function endIn(url: string, guid: string) {
  const soon = performance.now() + 2000
  while (performance.now() < soon) {
    const signal = AbortSignal.timeout(5000)
    const told = await ask(url, { method: 'GET', path: `/messages/${guid}`, signal })
    const message = told.answer.status === 200 ? bodyOf(told) : undefined
    if (message?.state === 'answered') return message.response as Pick<Ended, 'status' | 'body'>
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return undefined
}
