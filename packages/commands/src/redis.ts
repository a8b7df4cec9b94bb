import { createClient, RESP_TYPES } from '@redis/client'
import type { CommandId } from './command.ts'
import { gathered } from './gathered.ts'
import { createNeighbour, inTime, type Neighbour } from './neighbour.ts'
import type { RemoteReplayCache } from './replay-cache.ts'
import { createSeal } from './sealed-record.ts'
import type { CommandRecord } from './store.ts'
import { processTimers, within } from './timers.ts'

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

type Client = ReturnType<typeof makeClient>

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
export function redisReplayCache(options: RedisCacheOptions): RemoteReplayCache {
  const { secret, lifetimeMs = 3_600_000, batchSizeMax = 256 } = options
  const { waitingBytesMax = 8 * 1024 * 1024, clock = () => new Date() } = options
  const seal = createSeal(secret)
  const counts = { hits: 0, misses: 0, ignored: 0, errors: 0, skipped: 0 }
  const redis = connect(options)
  let waitingBytes = 0

  async function lookUp(ids: readonly CommandId[]): Promise<Map<CommandId, CommandRecord>> {
    const found = new Map<CommandId, CommandRecord>()
    const client = redis.link()
    if (client === undefined) counts.skipped += ids.length
    if (client === undefined) return found
    const entries = await redis.ask(client, read(client, ids.map(entryName)))
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
    const client = redis.link()
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
    async get(commands) {
      // At once: a Redis that is away must not cost a turn of the event loop.
      if (redis.link() !== undefined) return get(commands.map(({ id }) => id))
      counts.skipped += commands.length
      return new Map()
    },
    put(records) {
      for (const record of records) {
        const replayableMs = record.replayableUntil.getTime() - clock().getTime()
        const lifeMs = Math.floor(Math.min(lifetimeMs, replayableMs))
        if (record.answer !== undefined && lifeMs > 0) keep(record, lifeMs)
      }
    },
    isConnected: () => redis.link() !== undefined,
    counts: () => ({ ...counts }),
    close: redis.close,
  }
}

function connect(options: RedisCacheOptions): Neighbour<Client> {
  const { url, budgetMs = 5, failuresMax = 3, retryMs = 1000, connectWithinMs = 2000 } = options
  return createNeighbour({
    ...{ name: 'Redis', budgetMs, failuresMax, retryMs, report: options.report ?? (() => {}) },
    open(failed) {
      const client = makeClient(url, connectWithinMs)
      client.on('error', failed)
      return client
    },
    async tryOut(client) {
      const connected = await within(processTimers, connectWithinMs, client.connect())
      if (connected === undefined) throw new Error(`no connection within ${connectWithinMs} ms`)
      await inTime(budgetMs, read(client, [entryName('trial')]))
    },
    finish: (client) => client.close().catch(() => undefined),
    drop(client) {
      // While it connects, the client ends no socket that it does not have yet.
      client.on('connect', () => client.destroy())
      client.destroy()
    },
  })
}

async function read(client: Client, names: readonly string[]) {
  const reply: unknown = await client.sendCommand(['MGET', ...names], { typeMapping: asBytes })
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
