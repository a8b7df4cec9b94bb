import { createIdentify, createServer } from '@semel/http'
import { createPool, migrate } from '@semel/postgres'
import { startEmbedded } from '@semel/postgres/embedded'
import { createLifecycle, createReadiness } from '@semel/runtime'
import { createTickets, migrations } from './tickets.ts'

const { DATABASE_URL: url, PORT = '8090' } = process.env
const folder = new URL('../.semel/', import.meta.url).pathname
const lifecycle = createLifecycle({ say: console.error })
lifecycle.stopOnSignals()

async function ownDatabase() {
  const start = () => startEmbedded({ folder })
  const { connection } = await lifecycle.open('PostgreSQL', start, (postgres) => postgres.stop())
  return connection
}

const pool = createPool({ connection: url === undefined ? await ownDatabase() : { url } })
lifecycle.defer('connections', () => pool.end())
await migrate(pool, migrations)
const tickets = createTickets(pool)
lifecycle.defer('tickets', () => tickets.stop())
const { ready } = createReadiness([{ name: tickets.name, check: () => tickets.ready() }])
// Nobody is asked who they are: this must not listen on anything but loopback.
const identify = createIdentify({ kind: 'none' })
const server = await createServer({ faces: [tickets], identify, ready })
lifecycle.defer('server', () => server.close())
const { port } = await server.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(`Seats are sold at http://127.0.0.1:${port}/seats/hamlet-b7`)
