import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { readConfig } from './config.ts'
import { contradictionsIn, secretBytesMin } from './contradictions.ts'

// Every variable that a process of Semel reads is described here, once; each process picks what it
// needs. `unit` and `secret` are for those who list them.

function wholeNumber<Options extends object>(minimum: number, maximum: number, options: Options) {
  const errorMessage = `must be a whole number from ${minimum} to ${maximum}`
  return Type.Integer({ minimum, maximum, errorMessage, ...options })
}

function flag(description: string) {
  return Type.Boolean({ default: false, description, errorMessage: 'must be true or false' })
}

function text(description: string, options: Readonly<Record<string, unknown>> = {}) {
  return Type.Optional(Type.String({ description, ...options }))
}

/** Where a process listens (usually at `port`), and for how long after it is told to stop. */
export function listening(port: number) {
  return {
    PORT: wholeNumber(0, 65_535, {
      default: port,
      description: 'the port to listen on; 0 takes a free one',
    }),
    HOST: Type.String({ default: '127.0.0.1', description: 'the address to listen on' }),
    SHUTDOWN_DELAY_SECONDS: wholeNumber(0, 15, {
      default: 0,
      unit: 'seconds',
      description: 'seconds after SIGTERM in which new requests are taken, though it is not ready',
    }),
  }
}

/** Where a process shows its metrics. */
export const metricsSettings = {
  METRICS_PORT: Type.Optional(
    wholeNumber(0, 65_535, {
      description: 'the port to show metrics on; 0 takes a free one (default: they are not shown)',
    }),
  ),
  METRICS_HOST: Type.String({
    default: '127.0.0.1',
    description: 'the address to show metrics on, to everybody who can connect',
  }),
}

/** The database; `without` says what happens where none is named. */
export function databaseUrl(without?: string) {
  const ending = without === undefined ? '' : `; ${without}`
  return Type.String({
    pattern: '^postgres(ql)?://',
    description: `a PostgreSQL to use${ending}`,
    errorMessage: 'must begin with postgres:// or postgresql://',
    secret: 'password',
  })
}

/** Where the data of an embedded PostgreSQL are. */
export const dataSettings = {
  SEMEL_DATA: text('the folder of the data (default: .semel in the checkout)'),
}

/** Whether a service alone may change its tables. */
export const migrationSettings = {
  SEMEL_MIGRATE: flag('whether a service alone migrates its database before it starts'),
}

/** How long a service alone waits at its start. */
export const waitSettings = {
  SEMEL_WAIT_SECONDS: wholeNumber(0, 3600, {
    default: 0,
    unit: 'seconds',
    description: 'how long a service alone waits at its start for its database, tables and topics',
  }),
}

/** The money. */
export const currencySettings = {
  SEMEL_CURRENCY: Type.String({
    pattern: '^[A-Z]{3}$',
    default: 'EUR',
    description: 'the one currency, by its ISO 4217 code',
    errorMessage: 'must be an ISO 4217 code: three capital letters',
  }),
}

/** How topics are spread, and how long what they carry is kept. */
export const topicSettings = {
  SEMEL_PARTITIONS: wholeNumber(1, 64, {
    default: 1,
    description: 'how many partitions new messages of each topic are spread over',
  }),
  SEMEL_KEPT_DAYS: wholeNumber(1, 3650, {
    default: 7,
    unit: 'days',
    description: 'days for which messages are kept, and longer until all have read them',
  }),
  SEMEL_REMEMBERED_DAYS: wholeNumber(1, 3650, {
    default: 30,
    unit: 'days',
    description: 'days for which commands are remembered; more than messages are kept',
  }),
}

/** The Kafka that carries topics between databases. */
export const kafkaSettings = {
  KAFKA_BROKERS: text('Kafka brokers that carry topics, host:port with commas between', {
    pattern: '^[^\\s,:/@]+:\\d{1,5}(,[^\\s,:/@]+:\\d{1,5})*$',
    errorMessage: 'must be host:port, or several of them with commas between',
  }),
  KAFKA_TOPIC_PREFIX: Type.String({
    pattern: '^[A-Za-z0-9-]{1,100}$',
    default: 'DEV',
    description: 'what the names of topics and groups in Kafka begin with',
    errorMessage: 'must be letters, digits and hyphens, at most 100 of them',
  }),
  KAFKA_TLS: flag('whether brokers are spoken to by TLS'),
  KAFKA_CA_FILE: text('a PEM file of the authorities that brokers are trusted by; needs KAFKA_TLS'),
  KAFKA_USERNAME: text('the user that brokers know this process by; needs KAFKA_PASSWORD'),
  KAFKA_PASSWORD: text('the password of KAFKA_USERNAME', { secret: 'all' }),
  KAFKA_SASL_MECHANISM: Type.Enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
    default: 'SCRAM-SHA-512',
    description: 'how the password is shown to brokers',
    errorMessage: 'must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
  }),
  SEMEL_UNSENT_MAX: wholeNumber(1, 1_000_000_000, {
    default: 1_000_000,
    unit: 'messages',
    description: 'what may wait to be sent to Kafka; beyond, new commands are turned away',
  }),
}

/** What is told to the registry. */
export const registerSettings = {
  REGISTER: Type.Enum(['all', 'topic'], {
    default: 'all',
    description: 'whose answers the registry keeps: of all requests, or of those that did not wait',
    errorMessage: 'must be all or topic',
  }),
}

/** How notifications are sent by mail. */
export const mailSettings = {
  SMTP_URL: text('a mail server, by which each notification is sent from now on', {
    pattern: '^smtps?://',
    errorMessage: 'must begin with smtp:// or smtps://',
    secret: 'password',
  }),
  MAIL_FROM: text('the address that mail is sent from'),
  MAIL_TO: text("the address of a user's mail; {userId} in it stands for the user's id", {
    pattern: '\\{userId\\}',
    errorMessage: "must have {userId} in it, which stands for the user's id",
  }),
}

/** What seals answers wherever they are kept besides the database. */
export const sealSettings = {
  SEAL_SECRET: text(`what seals answers in Redis and messages, at least ${secretBytesMin} bytes`, {
    secret: 'all',
  }),
}

/** Where answers are kept for repeats, besides the database. */
export const cacheSettings = {
  REDIS_URL: text('a Redis in which answers are kept for repeats; needs SEAL_SECRET', {
    pattern: '^rediss?://[^/?#]+(/\\d*)?$',
    errorMessage: 'must be redis:// or rediss://, a host, and no more than a database number',
    secret: 'password',
  }),
  ...sealSettings,
}

/** Where a service is; `default`: where it is sought unless told otherwise. */
export function addressOf(service: string, options: Readonly<{ default?: string }> = {}) {
  return Type.String({
    pattern: '^https?://[^\\s,/]+(,https?://[^\\s,/]+)*$',
    description: `where ${service} is; its processes with commas between`,
    errorMessage: 'must be http://host:port, or several of them with commas between',
    ...options,
  })
}

/** The registry, where services alone may look up answers. */
export const lookUpSettings = { MESSAGES_URL: Type.Optional(addressOf('messages')) }

/** How callers are known. */
export const callerSettings = {
  AUTH_JWT_SECRET: text(`the secret of HS256 tokens, at least ${secretBytesMin} bytes`, {
    secret: 'all',
  }),
  AUTH_JWKS_URL: text('where the public keys of tokens are, instead of a secret', {
    pattern: '^https?://',
    errorMessage: 'must begin with https:// or http://',
  }),
  AUTH_ISSUER: text('the issuer that tokens must name'),
  AUTH_AUDIENCE: text('the audience that tokens must name'),
}

/** What each caller may ask for. */
export const limitSettings = {
  RATE_LIMIT_PER_MINUTE: Type.Optional(
    wholeNumber(1, 1_000_000, {
      unit: 'commands',
      description: 'commands that each caller may ask for in a minute; without, any number',
    }),
  ),
  RATE_LIMIT_BURST: Type.Optional(
    wholeNumber(1, 1_000_000, {
      unit: 'commands',
      description: 'commands of them at once (default: as many as in a minute)',
    }),
  ),
}

/** What a service that clients send commands to is configured by, besides. */
export const answeringSettings = {
  ...currencySettings,
  ...registerSettings,
  ...cacheSettings,
  ...lookUpSettings,
}

/** What every service alone is configured by; `port` is its usual one. */
export function serviceSettings(port: number) {
  return {
    ...listening(port),
    ...metricsSettings,
    DATABASE_URL: databaseUrl(),
    ...migrationSettings,
    ...waitSettings,
    ...topicSettings,
    ...kafkaSettings,
    ...callerSettings,
    ...limitSettings,
  }
}

/** A variable of ours that is not in it is refused by every process that does not read it. */
const everySetting = {
  ...listening(0),
  ...metricsSettings,
  ...dataSettings,
  ...migrationSettings,
  ...waitSettings,
  ...currencySettings,
  ...topicSettings,
  ...kafkaSettings,
  ...registerSettings,
  ...mailSettings,
  ...cacheSettings,
  ...lookUpSettings,
  ...callerSettings,
  ...limitSettings,
}

type Told<Described extends Record<string, TSchema>> = Readonly<Static<TObject<Described>>>

/** What a process has been told of its metrics. */
export type MetricsSettings = Told<typeof metricsSettings>
/** What a process has been told of caches. */
export type CacheSettings = Told<typeof cacheSettings & typeof lookUpSettings>
/** What every process that serves has been told. */
export type ServerSettings = Told<
  ReturnType<typeof listening> & typeof callerSettings & typeof limitSettings
>
/** What a process has been told of topics. */
export type TopicSettings = Told<typeof topicSettings>
/** What a process has been told of Kafka. */
export type KafkaSettings = Told<typeof kafkaSettings>
/** What any process may have been told. */
export type Settings = Told<typeof everySetting>
/** What every service alone has been told. */
export type ServiceSettings = Readonly<Static<TObject<ReturnType<typeof serviceSettings>>>>

/**
 * Reads the settings of a process. One environment does for all processes: of variables that begin
 * with `SEMEL_`, only one that no process knows is refused.
 *
 * @throws {ConfigError} `config-invalid`; without a way to know callers, also for every address
 * that other machines can reach.
 */
export function readSettings<Schema extends TObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Static<Schema>> {
  return readConfig(schema, env, {
    prefix: 'SEMEL_',
    elsewhere: Object.keys(everySetting),
    check: (settings: Partial<Settings>) => contradictionsIn(settings),
  })
}
