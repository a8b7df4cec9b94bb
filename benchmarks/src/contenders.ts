import type { RemoteReplayCacheCounts } from '@semel/commands'
import { type Contender, runContender } from './contender.ts'
import type { Databases } from './databases.ts'
import type { Driver } from './load.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { startService } from './service-process.ts'
import { carelessStore, productStore, type Store, slowCommits } from './stores.ts'

/** The servers that are compared, and what they are called in the table. */
export const contenderTitles = {
  echo: '(a) raw Fastify echo',
  careless: '(b) five statements a request',
  product: '(d) ours',
  'product-uncached': '(d) ours, repeats from the database',
  'careless-slow': '(b) with 2 ms more to a commit',
  'product-slow': '(d) with 2 ms more to a commit',
  'product-large': '(d) on a filled command log',
  'product-redis': '(d) with Redis',
  elsewhere: '(d) in another process, from the database',
  'elsewhere-redis': '(d) in another process, from Redis',
  'direct-2': '2 processes, each asked directly',
  'direct-3': '3 processes, each asked directly',
  'behind-1': 'behind the gateway, 1 process of orders',
  'behind-2': 'behind the gateway, 2',
  'behind-3': 'behind the gateway, 3',
} as const

export type ContenderName = keyof typeof contenderTitles

/** What contenders are opened with. */
export type OpenOptions = Readonly<{
  databases: Databases
  /** Warms a server up. */
  driver: Driver
  warmUpSeconds: number
  /** Rows of the command log of `product-large`. */
  logRows: number
  onFilled(filled: number): void
  /** Where the Redis is that some contenders need. */
  redisUrl?: string | undefined
}>

/** 10 (the default of `pg`), 20 and 40 differ by less than the noise. */
const carelessConnectionsMax = 20
const warmUpConnections = 64

/** Makes a contender's database, starts its server, and warms it up. */
export async function openContender(name: ContenderName, options: OpenOptions): Promise<Contender> {
  const store = await storeOf(name, options)
  const contender = await start(name, store, options)
  const { databases, driver, warmUpSeconds: seconds } = options
  const load = { connections: warmUpConnections, seconds, run: `warm-up-${name}`, keys: 0 }
  const { faults } = await runContender(databases, contender, driver, load)
  if (faults.length === 0) return contender
  await contender.stop()
  throw new Error(`${contenderTitles[name]} did not pass its warm-up: ${faults.join('; ')}`)
}

async function storeOf(name: ContenderName, options: OpenOptions): Promise<Store | undefined> {
  const { databases, logRows: rows, onFilled } = options
  switch (name) {
    case 'echo':
      return undefined
    case 'careless':
      return carelessStore(databases, 'careless')
    case 'careless-slow':
      return carelessStore(databases, 'careless_slow', slowCommits)
    case 'product':
      return productStore(databases, 'product')
    case 'product-uncached':
      return productStore(databases, 'product_uncached')
    case 'product-slow':
      return productStore(databases, 'product_slow', slowCommits)
    case 'product-large':
      return productStore(databases, 'product_large', {}, { rows, onFilled })
    default:
      return productStore(databases, name.replaceAll('-', '_'))
  }
}

/** Starts the processes of a contender; the first of several takes what is placed. */
async function start(
  name: ContenderName,
  store: Store | undefined,
  { redisUrl }: OpenOptions,
): Promise<Contender> {
  const isElsewhere = name.startsWith('elsewhere')
  const [, placed, count] = /^(direct|behind)-(\d)$/.exec(name) ?? []
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const end of stops.toReversed()) await end()
  }
  const redis = name.endsWith('-redis') ? { redisUrl } : {}
  const servers: ServerProcess[] = []
  for (let number = 0; number < (isElsewhere ? 2 : Number(count ?? 1)); number += 1) {
    const [file, settings] = serverOf(name, store)
    const server = await startServer(file, { ...settings, ...redis })
    stops.push(server.stop)
    servers.push(server)
  }
  const ports = servers.map(({ port }) => port)
  const asked = servers.at(-1)!
  const counts =
    'redisUrl' in redis ? { redisCounts: () => asked.ask<RemoteReplayCacheCounts>() } : {}
  if (isElsewhere) return { ports: [ports[1]!], placedAt: ports[0]!, store, stop, ...counts }
  if (placed !== 'behind') return { ports, store, stop, ...counts }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`).join()
  const gateway = await startService('gateway', { ORDERS_URL: urls })
  stops.push(gateway.stop)
  return { ports: [gateway.port], store, stop }
}

function serverOf(name: ContenderName, store: Store | undefined): [string, object] {
  const { connection } = store ?? {}
  if (connection === undefined) return ['echo-server.ts', {}]
  if (name === 'careless' || name === 'careless-slow') {
    return ['careless-server.ts', { connection, connectionsMax: carelessConnectionsMax }]
  }
  // Elsewhere, the process's own cache would hide what is asked of the database and of Redis.
  const isCached = name !== 'product-uncached' && !name.startsWith('elsewhere')
  return ['product-server.ts', { connection, isCached }]
}
