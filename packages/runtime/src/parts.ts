import type { Service } from '@semel/http'
import {
  compareMigrations,
  createPool,
  DatabaseUnavailable,
  type MigrationSet,
  migrate,
  type Pool,
  type Queryable,
  queryable,
} from '@semel/postgres'
import { databaseIdentity, relayGroup, type ServiceObserver, startRelay } from '@semel/topics'
import { type PostgresTransport, postgresTransport } from '@semel/topics/postgres'
import type { Topics } from '@semel/topics/take-part'
import type { TObject } from 'typebox'
import { type Caches, openCaches } from './caches.ts'
import { type Database, unreachable } from './database.ts'
import { openKafka } from './kafka.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import { retentionOf } from './retention.ts'
import type { CacheSettings, KafkaSettings, TopicSettings } from './settings.ts'
import { StartError } from './start-error.ts'

/** What services of one process share. */
export type Shared = Caches &
  Readonly<{
    pool: Pool
    topics: Topics & Pick<PostgresTransport, 'publish'>
    report: (error: unknown) => void
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
 * Opens connections and topics on one database; the lifecycle ends them. What may come yet is
 * waited for as long as the lifecycle waits.
 *
 * @throws {StartError} `database-unreachable`, `not-migrated`, `kafka-refuses`, `topics-unsuitable`
 * @throws {MigrationRefused} when the database is ahead of this release, or refuses.
 */
export async function openShared(options: SharedOptions): Promise<Shared> {
  const { database, lifecycle, metrics, report } = options
  const pool = createPool({ connection: database.connection, connectionsMax })
  metrics?.watchPool(pool)
  lifecycle.defer('connections', () => pool.end())
  // Told to stop meanwhile, nothing more is opened: `open` says so when the tables are there.
  await whenReached(options, () =>
    lifecycle.open(
      'tables',
      () => prepareTables(pool, options),
      async () => undefined,
    ),
  )
  const topics = await openTopics(pool, options)
  return { pool, topics, report, ...(await openCaches(options)) }
}

/**
 * Opens services on one database; the lifecycle ends them.
 *
 * @returns the services, and what they share.
 * @throws {StartError} `currency-differs`, and what {@link openShared} throws.
 * @throws {MigrationRefused} when the database is ahead of this release, or refuses.
 */
export async function openParts<Settings>(
  options: PartsOptions<Settings>,
): Promise<Readonly<{ services: readonly Service[]; shared: Shared }>> {
  const { parts, settings, lifecycle, metrics } = options
  const migrations = parts.flatMap((part) => part.migrations)
  const shared = await openShared({ ...options, migrations, names: parts.map(({ name }) => name) })
  await whenReached(options, () => checkCurrency(shared.pool, options))
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
  const { settings, names, topicNames, lifecycle, metrics, report } = options
  const partitions = Object.fromEntries(topicNames.map((name) => [name, settings.SEMEL_PARTITIONS]))
  const outbox = postgresTransport({ pool, partitions, retention: retentionOf(settings), report })
  metrics?.watchGroups(outbox)
  lifecycle.defer('topics', outbox.close)
  const readerOf = async () => ({
    owner: await whenReached(options, () => databaseIdentity(pool)),
    groups: names,
  })
  const kafka = await openKafka({ ...options, readerOf })
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

/** Asks a database that was there, and waits for it where it has gone away since. */
async function whenReached<Found>(
  { database, lifecycle }: Pick<SharedOptions, 'database' | 'lifecycle'>,
  ask: () => Promise<Found>,
): Promise<Found> {
  return lifecycle.whenThere(() =>
    ask().catch((error) => {
      throw error instanceof DatabaseUnavailable ? unreachable(database, error) : error
    }),
  )
}

async function prepareTables(pool: Pool, options: SharedOptions): Promise<void> {
  const { migrations, migrates, names, database, report } = options
  if (migrates) await migrate(pool, migrations)
  const { missing, ahead } = await compareMigrations(pool, migrations)
  if (ahead.length > 0) {
    report(
      `a newer release has migrated the database ${database.name}: ${ahead.join(', ')} ` +
        '(additive: this one works on it, too)',
    )
  }
  if (missing.length === 0) return
  throw new StartError(
    'not-migrated',
    `the database ${database.name} lacks tables of this release (${missing.length} migrations, ` +
      `the first is ${missing[0]}); run: npx semel migrate ${names.join(' ')}`,
    { mayCome: true },
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
