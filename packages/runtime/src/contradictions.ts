import { BlockList, isIP } from 'node:net'
import { knowsCallers } from './callers.ts'
import type { Settings } from './settings.ts'

/** What a secret must have at least. */
export const secretBytesMin = 32

type Rule = (settings: Partial<Settings>) => readonly (string | false)[]

const rules: readonly Rule[] = [
  urls,
  ages,
  secrets,
  tokens,
  openDoors,
  ports,
  limits,
  caches,
  kafka,
  mail,
]

/** What values that are allowed one by one cannot be together, a sentence each. */
export function contradictionsIn(settings: Partial<Settings>): readonly string[] {
  return rules.flatMap((rule) => rule(settings)).filter((fault) => fault !== false)
}

function ages({ SEMEL_KEPT_DAYS: kept, SEMEL_REMEMBERED_DAYS: remembered }: Partial<Settings>) {
  const isFine = kept === undefined || remembered === undefined || remembered > kept
  return [
    !isFine &&
      `SEMEL_REMEMBERED_DAYS ${remembered} must be more than SEMEL_KEPT_DAYS ${kept}, or commands ` +
        'are forgotten while messages can bring them again: raise the one or lower the other',
  ]
}

/** Patterns do not see it all: a port may be too large. A database is named by more than URLs. */
function urls({ DATABASE_URL: _, ...settings }: Partial<Settings & Record<string, unknown>>) {
  return Object.entries(settings).map(
    ([name, value]) =>
      name.endsWith('_URL') &&
      value !== undefined &&
      !`${value}`.split(/,(?=https?:)/).every((url) => URL.canParse(url)) &&
      `${name} is no URL`,
  )
}

function secrets(settings: Partial<Settings>) {
  return (['AUTH_JWT_SECRET', 'SEAL_SECRET'] as const).map((name) => {
    const value = settings[name]
    const isShort = value !== undefined && Buffer.byteLength(value) < secretBytesMin
    return isShort && `${name} must have at least ${secretBytesMin} bytes`
  })
}

function tokens(settings: Partial<Settings>) {
  const { AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: jwks } = settings
  return [
    secret !== undefined &&
      jwks !== undefined &&
      'AUTH_JWT_SECRET and AUTH_JWKS_URL exclude each other: set one of them',
    ...(['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const).map(
      (name) =>
        settings[name] !== undefined &&
        !knowsCallers(settings) &&
        `${name} needs AUTH_JWT_SECRET or AUTH_JWKS_URL: without, no token is looked at`,
    ),
  ]
}

function openDoors(settings: Partial<Settings>) {
  const { HOST } = settings
  return [
    HOST !== undefined &&
      !isLoopback(HOST) &&
      !knowsCallers(settings) &&
      `HOST ${HOST} lets other machines in, and nobody would be asked who they are: ` +
        'set AUTH_JWT_SECRET or AUTH_JWKS_URL, or leave HOST at 127.0.0.1',
  ]
}

function limits({ RATE_LIMIT_PER_MINUTE: rate, RATE_LIMIT_BURST: burst }: Partial<Settings>) {
  return [
    burst !== undefined &&
      rate === undefined &&
      'RATE_LIMIT_BURST needs RATE_LIMIT_PER_MINUTE: without, nobody is limited',
  ]
}

function ports({ PORT, METRICS_PORT }: Partial<Settings>) {
  return [
    METRICS_PORT !== undefined &&
      METRICS_PORT !== 0 &&
      METRICS_PORT === PORT &&
      `METRICS_PORT ${METRICS_PORT} must be another port than PORT`,
  ]
}

function caches(settings: Partial<Settings>) {
  const { REDIS_URL: redis, MESSAGES_URL: registry, SEAL_SECRET: seal, REGISTER } = settings
  // The registry itself seals nothing, and the gateway only has to find it.
  const isAnswering = REGISTER !== undefined
  const url = redis ?? registry
  return [
    isAnswering &&
      url !== undefined &&
      seal === undefined &&
      `${redis === undefined ? 'MESSAGES_URL' : 'REDIS_URL'} needs SEAL_SECRET: set both, or none`,
    isAnswering &&
      url === undefined &&
      seal !== undefined &&
      'SEAL_SECRET seals nothing: set REDIS_URL, or MESSAGES_URL for a service alone',
  ]
}

function kafka(settings: Partial<Settings>) {
  const { KAFKA_BROKERS, KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = settings
  const needing = ['KAFKA_CA_FILE', 'KAFKA_USERNAME', 'KAFKA_PASSWORD'] as const
  return [
    ...needing.map(
      (name) =>
        settings[name] !== undefined &&
        KAFKA_BROKERS === undefined &&
        `${name} needs KAFKA_BROKERS: without, no Kafka is spoken to`,
    ),
    settings.KAFKA_CA_FILE !== undefined &&
      settings.KAFKA_TLS === false &&
      'KAFKA_CA_FILE needs KAFKA_TLS=true: without, no certificate is looked at',
    (username === undefined) !== (password === undefined) &&
      'KAFKA_USERNAME and KAFKA_PASSWORD need each other: set both of them, or none',
    username !== undefined &&
      settings.KAFKA_SASL_MECHANISM === 'PLAIN' &&
      settings.KAFKA_TLS === false &&
      'KAFKA_SASL_MECHANISM PLAIN shows the password to the network: set KAFKA_TLS=true, or ' +
        'another mechanism',
  ]
}

function mail({ SMTP_URL, MAIL_FROM, MAIL_TO }: Partial<Settings>) {
  const set = [SMTP_URL, MAIL_FROM, MAIL_TO].filter((value) => value !== undefined)
  return [
    (set.length === 1 || set.length === 2) &&
      'SMTP_URL, MAIL_FROM and MAIL_TO need each other: set all of them, or none',
  ]
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return host === 'localhost'
  return loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}
