import { validate } from '@semel/contract'
import { Pool } from 'undici'
import { guidOf } from './command.ts'
import { gathered } from './gathered.ts'
import { createNeighbour, inTime, type Neighbour } from './neighbour.ts'
import {
  guidsMax,
  macHeader,
  questionMac,
  questionText,
  type RegisteredAnswer,
  RegisteredAnswers,
  recordOfAnswer,
  replaysPath,
} from './registry-protocol.ts'
import type { RemoteReplayCache } from './replay-cache.ts'
import { createSeal } from './sealed-record.ts'
import type { CommandRecord } from './store.ts'
import { processTimers } from './timers.ts'

/** Where the registry is, and what it may cost. */
export type RegistryCacheOptions = Readonly<{
  /** `http://host:port` of each of its processes. */
  urls: readonly string[]
  /** The secret that answers are sealed and questions are signed with, at least 32 bytes. */
  secret: string
  /** How long a look-up may take, in milliseconds; beyond, nothing is known. Default 20. */
  budgetMs?: number
  /** Failed look-ups in a row after which a process is left alone. Default 3. */
  failuresMax?: number
  /** How long it is left alone before it is tried again, in milliseconds. Default 1,000. */
  retryMs?: number
  /** How long connecting may take, in milliseconds. Default 2,000. */
  connectWithinMs?: number
  /** The time that answers must be replayable at. Default: the clock of this process. */
  clock?: () => Date
  /** Told why a process was left alone, once until it is back. Default: nobody is told. */
  report?: ((error: unknown) => void) | undefined
}>

const connectionsMax = 16
const answerBytesMax = 16 * 2 ** 20

/**
 * Makes a replay cache of a registry: the service that keeps what executors `announce`, with the
 * seals of {@link endingSeal}. What is put into it goes nowhere: it hears of answers by itself,
 * after a while. One that is away, slow, silent or something else costs the budget a few times, and
 * then nothing until it has answered a trial in time.
 *
 * It is asked by the guid of the request, so it knows nothing of a key that is used again for
 * another input. An answer is believed only if it was sealed with the secret for the very command
 * that asks. What was looked up in one turn of the event loop is one request.
 *
 * @throws {TypeError} when the secret is shorter than 32 bytes, or a URL is none.
 */
export function registryReplayCache(options: RegistryCacheOptions): RemoteReplayCache {
  const { urls, secret, clock = () => new Date() } = options
  const seal = createSeal(secret)
  const counts = { hits: 0, misses: 0, ignored: 0, errors: 0, skipped: 0 }
  const processes = urls.map((url) => connect(url, options))
  let turn = 0

  /** Each in its turn, but for those that are left alone. */
  function next(): { process: Neighbour<Pool>; pool: Pool } | undefined {
    for (let tried = 0; tried < processes.length; tried += 1) {
      turn = (turn + 1) % processes.length
      const process = processes[turn]!
      const pool = process.link()
      if (pool !== undefined) return { process, pool }
    }
    return undefined
  }

  async function lookUp(guids: readonly string[]): Promise<Map<string, RegisteredAnswer>> {
    const found = next()
    const answers = await found?.process.ask(found.pool, ask(found.pool, secret, guids))
    if (found === undefined) counts.skipped += guids.length
    else if (answers === undefined) counts.errors += 1
    else counts.misses += guids.length
    return new Map(answers?.map((answer) => [answer.guid, answer]))
  }

  const gather = gathered(lookUp, { timers: processTimers, batchSizeMax: guidsMax })
  const isConnected = () => processes.some((process) => process.link() !== undefined)
  return {
    async get(commands) {
      const found = new Map<CommandRecord['id'], CommandRecord>()
      // At once: a registry that is away must not cost a turn of the event loop.
      if (!isConnected()) counts.skipped += commands.length
      if (!isConnected()) return found
      const guids = commands.map(guidOf)
      const answers = await gather(guids)
      for (const [index, command] of commands.entries()) {
        const answer = answers.get(guids[index]!)
        if (answer === undefined) continue
        const record = recordOfAnswer(seal, command, answer)
        // What is over is the database's to tell: it may have forgotten the command, and then
        // decides it again.
        const isOver = record !== undefined && record.replayableUntil <= clock()
        if (isOver) continue
        counts.misses -= 1
        counts[record === undefined ? 'ignored' : 'hits'] += 1
        if (record !== undefined) found.set(command.id, record)
      }
      return found
    },
    put: () => undefined,
    isConnected,
    counts: () => ({ ...counts }),
    async close() {
      await Promise.all(processes.map((process) => process.close()))
    },
  }
}

function connect(url: string, options: RegistryCacheOptions): Neighbour<Pool> {
  const { secret, budgetMs = 20, failuresMax = 3, retryMs = 1000 } = options
  const { connectWithinMs = 2000, report = () => {} } = options
  return createNeighbour({
    ...{ name: `the registry at ${url}`, budgetMs, failuresMax, retryMs, report },
    open: () =>
      new Pool(url, {
        ...{ connections: connectionsMax, pipelining: 1, allowH2: false },
        connect: { timeout: connectWithinMs },
        ...{ headersTimeout: connectWithinMs, bodyTimeout: connectWithinMs },
        maxResponseSize: answerBytesMax,
      }),
    async tryOut(pool) {
      // The first question connects; the second shows what a question costs.
      await inTime(connectWithinMs, ask(pool, secret, []))
      await inTime(budgetMs, ask(pool, secret, []))
    },
    finish: (pool) => pool.close().catch(() => undefined),
    drop: (pool) => void pool.destroy().catch(() => undefined),
  })
}

async function ask(
  pool: Pool,
  secret: string,
  guids: readonly string[],
): Promise<readonly RegisteredAnswer[]> {
  const body = questionText(guids)
  const { statusCode, body: answer } = await pool.request({
    ...{ method: 'POST', path: replaysPath, body },
    headers: { 'content-type': 'application/json', [macHeader]: questionMac(secret, body) },
  })
  const text = await answer.text()
  if (statusCode !== 200)
    throw new Error(`it answers ${statusCode}: is SEAL_SECRET the same there?`)
  const told: unknown = JSON.parse(text)
  if (validate(RegisteredAnswers, told).length > 0) throw new Error('an answer of something else')
  return (told as { answers: RegisteredAnswer[] }).answers
}
