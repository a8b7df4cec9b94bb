import { setTimeout as delay } from 'node:timers/promises'
import {
  composeCaches,
  type Ending,
  processReplayCache,
  type RemoteReplayCache,
  type ReplayCache,
} from '@semel/commands'
import { endingSeal } from '@semel/commands/registry-protocol'
import type { CallerOptions, RateLimitOptions, RequestObserver, Server, Service } from '@semel/http'
import {
  createPool,
  type MigrationSet,
  migrate,
  missingMigrations,
  type Pool,
  type Queryable,
  queryable,
} from '@semel/postgres'
import { databaseIdentity, relayGroup, type ServiceObserver, startRelay } from '@semel/topics'
import { type PostgresTransport, postgresTransport } from '@semel/topics/postgres'
import type { Topics } from '@semel/topics/take-part'
import type { TObject } from 'typebox'
import { addressError } from './address.ts'
import type { Database } from './database.ts'
import { createReadiness, type Ready } from './health.ts'
import { openKafka } from './kafka.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import {
  type CacheSettings,
  type KafkaSettings,
  retentionOf,
  type ServerSettings,
  type TopicSettings,
} from './settings.ts'
import { StartError } from './start-error.ts'

/** What services of one process share. */
export type Shared = Readonly<{
  pool: Pool
  topics: Topics & Pick<PostgresTransport, 'publish'>
  report: (error: unknown) => void
  /** Makes the replay cache of a service that clients ask something of. */
  makeCache: () => ReplayCache
  /** Seals what is told to the registry; there is none where no answer is looked up in it. */
  sealOf?: (ending: Ending) => string | undefined
}>

/** Who is told what a service does. */
type Observing = Readonly<{ observe?: ServiceObserver | undefined }>

/** A service as a part of a process, alone or with others; `Needs` is what it reads of settings. */
export type ServicePart<Needs = object> = Readonly<{
  name: string
  /** What a process with this service alone is configured by. */
  schema: TObject
  /** What has to be in its database. */
  migrations: readonly MigrationSet[]
  /** In which currency its money is; undefined while there is none. */
  currencyInUse?: (db: Queryable) => Promise<string | undefined>
  create(shared: Shared & Observing, settings: Needs): Service
}>

type PartSettings = TopicSettings &
  KafkaSettings &
  CacheSettings &
  Readonly<{ SEMEL_CURRENCY?: string }>

/** What processes need to take part in topics. */
export type SharedOptions = Readonly<{
  settings: PartSettings
  database: Database
  /** What has to be in the database. */
  migrations: readonly MigrationSet[]
  /** Whether missing tables are made; else the start is refused without them. */
  migrates: boolean
  /** The services whose tables these are, for who is to make them. */
  names: readonly string[]
  /** The names of all topics there are. */
  topicNames: readonly string[]
  lifecycle: Lifecycle
  /** Default: nothing is counted. */
  metrics?: Metrics | undefined
  report: (error: unknown) => void
}>

/** What parts are opened with. */
export type PartsOptions<Settings> = Omit<SharedOptions, 'settings' | 'migrations' | 'names'> &
  Readonly<{ parts: readonly ServicePart<Settings>[]; settings: Settings & PartSettings }>

/** Each service has a batch of its clients and two of its topics at work; the rest is queries'. */
const connectionsMax = 16

/**
 * Opens connections and topics on one database; the lifecycle ends them.
 *
 * @throws {StartError} `not-migrated`
 * @throws {MigrationRefused} when the database is ahead of this release, or refuses.
 */
export async function openShared(options: SharedOptions): Promise<Shared> {
  const { database, lifecycle, metrics, report } = options
  const pool = createPool({ connection: database.connection, connectionsMax })
  metrics?.watchPool(pool)
  lifecycle.defer('connections', () => pool.end())
  // Told to stop meanwhile, nothing more is opened: `open` says so when the tables are there.
  await lifecycle.open(
    'tables',
    () => prepareTables(pool, options),
    async () => undefined,
  )
  const topics = await openTopics(pool, options)
  return { pool, topics, report, ...(await openCaches(options)) }
}

/**
 * Opens services on one database; the lifecycle ends them.
 *
 * @returns the services, and what they share.
 * @throws {StartError} `currency-differs`, `not-migrated`
 * @throws {MigrationRefused} when the database is ahead of this release, or refuses.
 */
export async function openParts<Settings>(
  options: PartsOptions<Settings>,
): Promise<Readonly<{ services: readonly Service[]; shared: Shared }>> {
  const { parts, settings, lifecycle, metrics } = options
  const migrations = parts.flatMap((part) => part.migrations)
  const shared = await openShared({ ...options, migrations, names: parts.map(({ name }) => name) })
  await checkCurrency(shared.pool, options)
  const services = parts.map((part) =>
    part.create({ ...shared, observe: metrics?.ofService(part.name) }, settings),
  )
  for (const service of services) {
    metrics?.watchService(service)
    lifecycle.defer(service.name, service.stop)
  }
  return { services, shared }
}

/** Topics are read from the outbox of the database, or from the Kafka that it is copied to. */
async function openTopics(pool: Pool, options: SharedOptions): Promise<Shared['topics']> {
  const { settings, topicNames, lifecycle, metrics, report } = options
  const partitions = Object.fromEntries(topicNames.map((name) => [name, settings.SEMEL_PARTITIONS]))
  const outbox = postgresTransport({ pool, partitions, retention: retentionOf(settings), report })
  metrics?.watchGroups(outbox)
  lifecycle.defer('topics', outbox.close)
  const kafka = await openKafka({ ...options, ownerOf: () => databaseIdentity(pool) })
  metrics?.watchPublisher(kafka ?? outbox)
  if (kafka === undefined) return outbox
  const relay = startRelay({ from: outbox, to: kafka, topics: topicNames, report })
  lifecycle.defer('relay', relay.stop)
  return {
    ...outbox,
    consume: kafka.consume,
    publish: kafka.publish,
    mayTell: () => outbox.lagOf(relayGroup) < settings.SEMEL_UNSENT_MAX,
  }
}

/** Each service has a cache of its own; the Redis and the registry behind it serve all of them. */
async function openCaches({
  settings: { REDIS_URL: url, MESSAGES_URL: registryUrls, SEAL_SECRET: secret },
  lifecycle,
  metrics,
  report,
}: SharedOptions): Promise<Pick<Shared, 'makeCache' | 'sealOf'>> {
  if (secret === undefined) return { makeCache: () => processReplayCache() }
  const remote: RemoteReplayCache[] = []
  const open = (name: string, cache: RemoteReplayCache) => {
    lifecycle.defer(name, cache.close)
    metrics?.watchCache(name.toLowerCase(), cache)
    remote.push(cache)
  }
  // Loaded where they are wanted: the client of Redis takes a quarter of a second.
  if (url !== undefined) {
    const { redisReplayCache } = await import('@semel/commands/redis')
    open('Redis', redisReplayCache({ url, secret, report }))
  }
  if (registryUrls !== undefined) {
    const { registryReplayCache } = await import('@semel/commands/registry')
    open('registry', registryReplayCache({ urls: registryUrls.split(','), secret, report }))
  }
  return {
    makeCache: () => composeCaches(processReplayCache(), ...remote),
    ...(registryUrls === undefined ? {} : { sealOf: endingSeal(secret) }),
  }
}

async function prepareTables(pool: Pool, options: SharedOptions): Promise<void> {
  const { migrations, migrates, names, database } = options
  if (migrates) return void (await migrate(pool, migrations))
  const missing = await missingMigrations(pool, migrations)
  if (missing.length === 0) return
  throw new StartError(
    'not-migrated',
    `the database ${database.name} lacks tables of this release (${missing.length} migrations, ` +
      `the first is ${missing[0]}); run: npx semel migrate ${names.join(' ')}`,
  )
}

/** Money of two currencies cannot be added: what is there decides, until somebody moves it away. */
async function checkCurrency<Settings>(
  pool: Pool,
  { parts, settings }: Pick<PartsOptions<Settings>, 'parts' | 'settings'>,
): Promise<void> {
  const { SEMEL_CURRENCY: wanted } = settings
  const db = queryable(pool)
  const found = await Promise.all(parts.map(({ currencyInUse }) => currencyInUse?.(db)))
  const other = found.find((currency) => currency !== undefined && currency !== wanted)
  if (other === undefined) return
  throw new StartError(
    'currency-differs',
    `the data is in ${other}, and SEMEL_CURRENCY is ${wanted}; ` +
      `set SEMEL_CURRENCY=${other}, or begin with other data (SEMEL_DATA, DATABASE_URL)`,
  )
}

/** How callers are known, by what was set. */
export function callersOf(settings: ServerSettings): CallerOptions {
  const claims = { issuer: settings.AUTH_ISSUER, audience: settings.AUTH_AUDIENCE }
  if (settings.AUTH_JWT_SECRET !== undefined) {
    return { kind: 'secret', secret: settings.AUTH_JWT_SECRET, ...claims }
  }
  if (settings.AUTH_JWKS_URL !== undefined) {
    return { kind: 'jwks', url: new URL(settings.AUTH_JWKS_URL), ...claims }
  }
  return { kind: 'none' }
}

/** What each caller may ask for, by what was set; undefined: anything. */
export function rateLimitOf(settings: ServerSettings): RateLimitOptions | undefined {
  const { RATE_LIMIT_PER_MINUTE: perMinute, RATE_LIMIT_BURST: burst } = settings
  return perMinute === undefined ? undefined : { perMinute, burst }
}

/** What a server is made with, besides what it shows. */
type Door = Readonly<{ ready: () => Promise<Ready>; observe: RequestObserver | undefined }>

/** What a door is made with: a server that is asked for the readiness of what is behind it. */
export type DoorOptions = Readonly<{
  settings: ServerSettings
  /** Without which no command would succeed. */
  checks: readonly Readonly<{ name: string; ready(): Promise<void> }>[]
  lifecycle: Lifecycle
  /** What starts the process, for who is to start it on another port. */
  startedBy: string
  metrics?: Metrics | undefined
  make(door: Door): Promise<Server>
}>

/**
 * Opens a server where the settings say, and resolves to its port. When the process stops, it is no
 * longer ready, takes requests for SHUTDOWN_DELAY_SECONDS more, for those who have not heard of it
 * yet, answers what is in flight, and is closed first.
 *
 * @throws {StartError} `address-unusable`
 */
export async function openDoor(options: DoorOptions): Promise<{ port: number }> {
  const { settings, checks, lifecycle, startedBy, metrics, make } = options
  const address = { host: settings.HOST, port: settings.PORT }
  const readiness = createReadiness(checks.map(({ name, ready }) => ({ name, check: ready })))
  const server = await make({ ready: readiness.ready, observe: metrics?.requests })
  return lifecycle.open(
    'server',
    async () => {
      try {
        return await server.listen(address)
      } catch (error) {
        throw addressError(address, error as NodeJS.ErrnoException, startedBy)
      }
    },
    async () => {
      readiness.drain()
      await delay(settings.SHUTDOWN_DELAY_SECONDS * 1000)
      await server.close()
    },
  )
}
