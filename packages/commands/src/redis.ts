import { createClient, RESP_TYPES } from '@redis/client'
import type { CommandId } from './command.ts'
import { gathered } from './gathered.ts'
import type { ReplayCache } from './replay-cache.ts'
import { createSeal } from './sealed-record.ts'
import type { CommandRecord } from './store.ts'
import { processTimers, type Timer, type Timers, within } from './timers.ts'

/** Where the Redis is, and what it may cost. */
export type RedisCacheOptions = Readonly<{
  /** `redis://` or `rediss://`, with user, password and database where there are any. */
  url: string
  /**
   * The secret that entries are authenticated with, at least 32 bytes; the same in all processes
   * on one database, and of no other database. With another secret every older entry is ignored.
   */
  secret: string
  /**
   * How long an entry lives, in milliseconds. Default 1 hour. One whose answer stops being
   * replayable sooner lives as long as that.
   */
  lifetimeMs?: number
  /** How long a look-up may take, in milliseconds; beyond, nothing is known. Default 5. */
  budgetMs?: number
  /** Failed look-ups in a row after which Redis is left alone. Default 3. */
  failuresMax?: number
  /** How long it is left alone before it is tried again, in milliseconds. Default 1,000. */
  retryMs?: number
  /** How long connecting may take, in milliseconds. Default 2,000. */
  connectWithinMs?: number
  /** Commands in one look-up, at most. Default 256. */
  batchSizeMax?: number
  /** Bytes of entries on their way to Redis, at most; beyond, they are not kept. Default 8 MiB. */
  waitingBytesMax?: number
  /** The time that lifetimes are counted from. Default: the clock of this process. */
  clock?: () => Date
  /** Told why Redis was left alone, once until it is back. Default: nobody is told. */
  report?: ((error: unknown) => void) | undefined
}>

/** What became of the commands that were looked up and of the entries that were to be kept. */
export type RedisCacheCounts = Readonly<{
  hits: number
  misses: number
  /** Entries that no holder of the secret wrote under their id, or of another format. */
  ignored: number
  /** Look-ups that failed or were late, and entries that Redis did not take. */
  errors: number
  /** Commands not looked up, and entries not kept, because Redis was away or behind. */
  skipped: number
}>

/** A replay cache in Redis. */
export type RedisReplayCache = ReplayCache &
  Readonly<{
    /** Whether look-ups go to Redis now. */
    isConnected(): boolean
    counts(): RedisCacheCounts
    /** Waits for entries on their way, a second at most, and ends the connection. */
    close(): Promise<void>
  }>

type Client = ReturnType<typeof makeClient>

const secretBytesMin = 32
const closeWithinMs = 1000

/**
 * Makes a replay cache of a Redis, which many processes may share. It connects by itself, and
 * connects again: a Redis that is away, slow, silent or no Redis costs the budget a few times, and
 * then nothing until it has answered a trial in time.
 *
 * An entry is believed only if it was made with the secret for the very command that asks. What was
 * looked up in one turn of the event loop is asked for by one MGET.
 *
 * @throws {TypeError} when the secret is shorter than 32 bytes, or the URL is none.
 */
export function redisReplayCache(options: RedisCacheOptions): RedisReplayCache {
  const { secret, lifetimeMs = 3_600_000, batchSizeMax = 256 } = options
  const { waitingBytesMax = 8 * 1024 * 1024, clock = () => new Date() } = options
  if (Buffer.byteLength(secret) < secretBytesMin) {
    throw new TypeError(`the secret of a replay cache has at least ${secretBytesMin} bytes`)
  }
  const seal = createSeal(secret)
  const counts = { hits: 0, misses: 0, ignored: 0, errors: 0, skipped: 0 }
  const connection = connect(options)
  let waitingBytes = 0

  async function lookUp(ids: readonly CommandId[]): Promise<Map<CommandId, CommandRecord>> {
    const found = new Map<CommandId, CommandRecord>()
    const client = connection.client()
    if (client === undefined) counts.skipped += ids.length
    if (client === undefined) return found
    const entries = await connection.read(client, ids.map(entryName))
    if (entries === undefined) counts.errors += 1
    for (const [index, bytes] of (entries ?? []).entries()) {
      const id = ids[index]!
      const record = bytes === null ? undefined : seal.opened(id, bytes)
      counts[bytes === null ? 'misses' : record === undefined ? 'ignored' : 'hits'] += 1
      if (record !== undefined) found.set(id, record)
    }
    return found
  }

  function keep(record: CommandRecord, lifeMs: number) {
    const client = connection.client()
    const bytes = client === undefined ? undefined : seal.sealed(record)
    if (bytes === undefined || waitingBytes + bytes.length > waitingBytesMax) {
      counts.skipped += 1
      return
    }
    waitingBytes += bytes.length
    const written = client!.sendCommand([
      ...['SET', entryName(record.id)],
      bytes,
      ...['PX', String(lifeMs)],
    ])
    const failed = () => {
      counts.errors += 1
    }
    void written.catch(failed).finally(() => {
      waitingBytes -= bytes.length
    })
  }

  const get = gathered(lookUp, { timers: processTimers, batchSizeMax })
  return {
    async get(ids) {
      // At once: a Redis that is away must not cost a turn of the event loop.
      if (connection.client() !== undefined) return get(ids)
      counts.skipped += ids.length
      return new Map()
    },
    put(records) {
      for (const record of records) {
        const replayableMs = record.replayableUntil.getTime() - clock().getTime()
        const lifeMs = Math.floor(Math.min(lifetimeMs, replayableMs))
        if (record.answer !== undefined && lifeMs > 0) keep(record, lifeMs)
      }
    },
    isConnected: () => connection.client() !== undefined,
    counts: () => ({ ...counts }),
    close: connection.close,
  }
}

type Connection = Readonly<{
  /** Undefined while Redis is left alone. */
  client(): Client | undefined
  /** The entries under these names, null where there is none; undefined when that failed. */
  read(client: Client, names: readonly string[]): Promise<readonly (Buffer | null)[] | undefined>
  close(): Promise<void>
}>

/**
 * The time of a look-up runs from when the client has written it, at the end of this turn; and it
 * is late only when its answer was not among the events at hand when its time was up. A process
 * that is busy itself must not blame Redis for it.
 */
const budgetTimers: Timers = {
  ...processTimers,
  after(run, ms) {
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
    processTimers.soon(() => {
      const timer = processTimers.after(() => processTimers.soon(run), ms)
      void cancelled.then(timer.cancel)
    })
    return { cancel }
  },
}

function connect(options: RedisCacheOptions): Connection {
  const { url, budgetMs = 5, failuresMax = 3, retryMs = 1000, connectWithinMs = 2000 } = options
  const { report = () => {} } = options
  let current: Client | undefined
  let isReady = false
  let isTold = false
  let failures = 0
  let retry: Timer | undefined

  function open() {
    const client = makeClient(url, connectWithinMs)
    current = client
    failures = 0
    client.on('error', (error) => leave(client, error))
    // Left while it was connecting: the client ends no socket that it does not have yet.
    client.on('connect', () => void (client !== current && client.destroy()))
    tryOut(client, budgetMs, connectWithinMs).then(
      () => {
        if (client !== current) return
        isReady = true
        isTold = false
      },
      (error) => leave(client, error),
    )
  }

  function leave(client: Client, cause: unknown) {
    if (client !== current) return
    current = undefined
    isReady = false
    client.destroy()
    if (!isTold) report(new Error('Redis is left alone until it answers in time', { cause }))
    isTold = true
    retry = processTimers.after(open, retryMs)
  }

  open()
  return {
    client: () => (isReady ? current : undefined),
    async read(client, names) {
      try {
        const entries = await ask(client, names, budgetMs)
        failures = 0
        return entries
      } catch (error) {
        failures += 1
        if (failures >= failuresMax) leave(client, error)
        return undefined
      }
    },
    async close() {
      const client = current
      const wasReady = isReady
      current = undefined
      isReady = false
      retry?.cancel()
      if (wasReady) await within(processTimers, closeWithinMs, written(client!))
      client?.destroy()
    },
  }
}

/** Resolves when all that was sent is answered, or will not be. */
async function written(client: Client): Promise<void> {
  await client.close().catch(() => undefined)
}

/** A connection is good when a look-up on it was answered in time. */
async function tryOut(client: Client, budgetMs: number, connectWithinMs: number): Promise<void> {
  const connected = await within(processTimers, connectWithinMs, client.connect())
  if (connected === undefined) throw new Error(`no connection within ${connectWithinMs} ms`)
  await ask(client, [entryName('trial')], budgetMs)
}

async function ask(client: Client, names: readonly string[], budgetMs: number) {
  const asked = client.sendCommand(['MGET', ...names], { typeMapping: asBytes })
  const reply = await within<unknown>(budgetTimers, budgetMs, asked)
  if (reply === undefined) throw new Error(`no answer within ${budgetMs} ms`)
  if (!isEntries(reply, names.length)) throw new Error('an answer that is not one of Redis')
  return reply
}

const asBytes = { [RESP_TYPES.BLOB_STRING]: Buffer }

/** RESP 2 needs no greeting; whatever waits, waits here, where it is bounded. */
function makeClient(url: string, connectTimeout: number) {
  return createClient({
    url,
    RESP: 2,
    socket: { connectTimeout, reconnectStrategy: false },
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    // The client's own timer for each command halves the throughput.
    commandOptions: { timeout: 0 },
  })
}

function entryName(id: string): string {
  return `idem:${id}`
}

function isEntries(reply: unknown, length: number): reply is readonly (Buffer | null)[] {
  if (!Array.isArray(reply) || reply.length !== length) return false
  return reply.every((entry) => entry === null || Buffer.isBuffer(entry))
}
