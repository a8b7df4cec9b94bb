import {
  currencyInUse as accountCurrency,
  migrations as billingMigrations,
  createBilling,
} from '@semel/billing'
import { composeCaches, processReplayCache, type ReplayCache } from '@semel/commands'
import { topics as topicNames } from '@semel/contracts/catalogue'
import { announceAll, announceCarried } from '@semel/contracts/messages'
import { createGateway } from '@semel/gateway'
import type { CallerOptions, Service } from '@semel/http'
import { createMessages, migrations as messageMigrations } from '@semel/messages'
import {
  createNotifications,
  migrations as notificationMigrations,
  smtpMailer,
} from '@semel/notifications'
import {
  createOrders,
  currencyInUse as orderCurrency,
  migrations as orderMigrations,
} from '@semel/orders'
import { type Connection, createPool, migrate, type Pool, queryable } from '@semel/postgres'
import { createReadiness, type Lifecycle } from '@semel/runtime'
import { postgresTransport } from '@semel/topics/postgres'
import { addressError } from './address.ts'
import { type CliConfig, retentionOf } from './config.ts'
import { StartError } from './start-error.ts'

/** What the services are opened with. */
export type ServicesOptions = Readonly<{
  config: CliConfig
  connection: Connection
  lifecycle: Lifecycle
}>

/** Each service has a batch of its clients and two of its topics at work; the rest is queries'. */
const connectionsMax = 16

/** Opens every service behind the gateway's port, and says which port that is. */
export async function openServices(options: ServicesOptions): Promise<{ port: number }> {
  const { config, connection, lifecycle } = options
  const report = reporter()
  const pool = createPool({ connection, connectionsMax })
  lifecycle.defer('connections', () => pool.end())
  const migrations = [orderMigrations, billingMigrations, notificationMigrations, messageMigrations]
  // Told to stop meanwhile, nothing more is opened: `open` says so when the tables are there.
  const made = () => migrate(pool, [...new Set(migrations.flat())])
  await lifecycle.open('tables', made, async () => undefined)
  await checkCurrency(pool, config)
  const partitions = Object.fromEntries(topicNames.map((name) => [name, config.SEMEL_PARTITIONS]))
  const retention = retentionOf(config)
  const topics = postgresTransport({ pool, partitions, retention, report })
  lifecycle.defer('topics', () => topics.close())
  const parts = { pool, topics, report }
  const cacheOfService = await openCaches(config, lifecycle, report)
  const currency = config.SEMEL_CURRENCY
  const announce = config.REGISTER === 'all' ? announceAll : announceCarried
  const services: readonly Service[] = [
    createOrders({ ...parts, currency, announce, executor: cacheOfService() }),
    createBilling({ ...parts, currency, announce, executor: cacheOfService() }),
    createNotifications({ ...parts, mailer: mailerOf(config) }),
    createMessages(parts),
  ]
  for (const { name, stop } of services) lifecycle.defer(name, stop)
  const readiness = createReadiness(services.map(({ name, ready }) => ({ name, check: ready })))
  const gateway = await createGateway({
    callers: callersOf(config),
    faces: services,
    topics,
    ready: readiness.ready,
    report,
  })
  return lifecycle.open(
    'gateway',
    () => listen(gateway, config),
    () => {
      readiness.drain()
      return gateway.close()
    },
  )
}

/** Money of two currencies cannot be added: what is there decides, until somebody moves it away. */
async function checkCurrency(pool: Pool, { SEMEL_CURRENCY: wanted }: CliConfig): Promise<void> {
  const db = queryable(pool)
  const found = await Promise.all([orderCurrency(db), accountCurrency(db)])
  const other = found.find((currency) => currency !== undefined && currency !== wanted)
  if (other === undefined) return
  throw new StartError(
    'currency-differs',
    `the data is in ${other}, and SEMEL_CURRENCY is ${wanted}; ` +
      `set SEMEL_CURRENCY=${other}, or begin with other data (SEMEL_DATA, DATABASE_URL)`,
  )
}

async function listen(
  gateway: Awaited<ReturnType<typeof createGateway>>,
  { HOST: host, PORT: port }: CliConfig,
): Promise<{ port: number }> {
  try {
    return await gateway.listen({ host, port })
  } catch (error) {
    throw addressError({ host, port }, error as NodeJS.ErrnoException)
  }
}

/**
 * The replay caches of the services that clients ask something of: each has one of its own, with
 * the Redis behind it that all share.
 */
async function openCaches(
  { REDIS_URL: url, REDIS_SEAL_SECRET: secret }: CliConfig,
  lifecycle: Lifecycle,
  report: (error: unknown) => void,
): Promise<() => { cache?: ReplayCache }> {
  if (url === undefined || secret === undefined) return () => ({})
  // Loaded where it is wanted: the client takes a quarter of a second.
  const { redisReplayCache } = await import('@semel/commands/redis')
  const redis = redisReplayCache({ url, secret, report })
  lifecycle.defer('Redis', redis.close)
  return () => ({ cache: composeCaches(processReplayCache(), redis) })
}

function mailerOf({ SMTP_URL: url, MAIL_FROM: from, MAIL_TO: to }: CliConfig) {
  if (url === undefined || from === undefined || to === undefined) return undefined
  return smtpMailer({ url, from, to })
}

function callersOf(config: CliConfig): CallerOptions {
  const claims = { issuer: config.AUTH_ISSUER, audience: config.AUTH_AUDIENCE }
  if (config.AUTH_JWT_SECRET !== undefined) {
    return { kind: 'secret', secret: config.AUTH_JWT_SECRET, ...claims }
  }
  if (config.AUTH_JWKS_URL !== undefined) {
    return { kind: 'jwks', url: new URL(config.AUTH_JWKS_URL), ...claims }
  }
  return { kind: 'none' }
}

const sameReportEveryMs = 1000

/**
 * Tells the operator, whole, what clients are told nothing of. The same message comes at most once
 * a second: a database that is away fails a batch every few milliseconds.
 */
function reporter(): (error: unknown) => void {
  const last = { message: '', at: Number.NEGATIVE_INFINITY }
  return (error) => {
    const message = error instanceof Error ? error.message : String(error)
    const at = performance.now()
    if (message === last.message && at - last.at < sameReportEveryMs) return
    Object.assign(last, { message, at })
    console.error('semel:', error)
  }
}
