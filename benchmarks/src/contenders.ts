import { type Contender, runContender } from './contender.ts'
import type { Databases } from './databases.ts'
import type { Driver } from './load.ts'
import { startServer } from './server-process.ts'
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
}>

/** 10 (the default of `pg`), 20 and 40 differ by less than the noise. */
const carelessConnectionsMax = 20
const warmUpConnections = 64

/** Makes a contender's database, starts its server, and warms it up. */
export async function openContender(name: ContenderName, options: OpenOptions): Promise<Contender> {
  const store = await storeOf(name, options)
  const server = await startServer(...serverOf(name, store))
  const contender = { server, store }
  const { databases, driver, warmUpSeconds: seconds } = options
  const load = { connections: warmUpConnections, seconds, run: `warm-up-${name}`, keys: 0 }
  const { faults } = await runContender(databases, contender, driver, load)
  if (faults.length === 0) return contender
  await server.stop()
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
  }
}

function serverOf(name: ContenderName, store: Store | undefined): [string, object] {
  const { connection } = store ?? {}
  if (connection === undefined) return ['echo-server.ts', {}]
  if (name === 'careless' || name === 'careless-slow') {
    return ['careless-server.ts', { connection, connectionsMax: carelessConnectionsMax }]
  }
  return ['product-server.ts', { connection, isCached: name !== 'product-uncached' }]
}
