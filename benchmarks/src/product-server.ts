import { composeCaches, processReplayCache, type ReplayCache } from '@semel/commands'
import { redisReplayCache } from '@semel/commands/redis'
import { createGateway } from '@semel/gateway'
import { createOrders } from '@semel/orders'
import { createPool } from '@semel/postgres'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { createReadiness } from '@semel/runtime'
import { tellPort } from './server-process.ts'

/** (d) Orders behind the gateway in one process; what other services do about them is left out. */

type Settings = { connection: EmbeddedConnection; isCached: boolean; redisUrl?: string }

const { connection, isCached, redisUrl }: Settings = JSON.parse(process.argv[2]!)
const pool = createPool({ connection })
const forgetful: ReplayCache = { get: async () => new Map(), put: () => undefined }
const own = isCached ? processReplayCache() : forgetful
const redis =
  redisUrl === undefined
    ? undefined
    : redisReplayCache({ url: redisUrl, secret: 'benchmark'.repeat(4) })
const cache = redis === undefined ? own : composeCaches(own, redis)
const orders = createOrders({ pool, currency: 'EUR', executor: { cache } })
const { ready } = createReadiness([{ name: 'orders', check: orders.ready }])
const gateway = await createGateway({ callers: { kind: 'none' }, faces: [orders], ready })
const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
tellPort(
  port,
  async () => {
    await gateway.close()
    await orders.stop()
    await redis?.close()
    await pool.end()
  },
  redis?.counts,
)
