import { BlockList, isIP } from 'node:net'
import { fileURLToPath } from 'node:url'
import { readConfig } from '@semel/runtime'
import { type Static, Type } from 'typebox'

const secretBytesMin = 32
const dayMs = 24 * 60 * 60 * 1000

function days(options: Readonly<{ default: number; description: string }>) {
  const errorMessage = 'must be a whole number from 1 to 3650'
  return Type.Integer({ minimum: 1, maximum: 3650, errorMessage, ...options })
}

/** Everything that can be set, by the names of its variables. */
export const configSchema = Type.Object({
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 8080,
    description: 'the port to listen on; 0 takes a free one',
    errorMessage: 'must be a whole number from 0 to 65535',
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'the address to listen on' }),
  SEMEL_DATA: Type.Optional(
    Type.String({ description: 'the folder of the data (default: .semel in the checkout)' }),
  ),
  DATABASE_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'a PostgreSQL to use; none is embedded then',
      errorMessage: 'must begin with postgres:// or postgresql://',
    }),
  ),
  SEMEL_CURRENCY: Type.String({
    pattern: '^[A-Z]{3}$',
    default: 'EUR',
    description: 'the one currency, by its ISO 4217 code',
    errorMessage: 'must be an ISO 4217 code: three capital letters',
  }),
  SEMEL_PARTITIONS: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 1,
    description: 'how many partitions new messages of each topic are spread over',
    errorMessage: 'must be a whole number from 1 to 64',
  }),
  SEMEL_KEPT_DAYS: days({
    default: 7,
    description: 'days for which messages are kept, and longer until all have read them',
  }),
  SEMEL_REMEMBERED_DAYS: days({
    default: 30,
    description: 'days for which commands are remembered; more than messages are kept',
  }),
  REGISTER: Type.Enum(['all', 'topic'], {
    default: 'all',
    description: 'whose answers the registry keeps: of all requests, or of those that did not wait',
    errorMessage: 'must be all or topic',
  }),
  SMTP_URL: Type.Optional(
    Type.String({
      pattern: '^smtps?://',
      description: 'a mail server, by which each notification is sent from now on',
      errorMessage: 'must begin with smtp:// or smtps://',
    }),
  ),
  MAIL_FROM: Type.Optional(Type.String({ description: 'the address that mail is sent from' })),
  MAIL_TO: Type.Optional(
    Type.String({
      pattern: '\\{userId\\}',
      description: "the address of a user's mail; {userId} in it stands for the user's id",
      errorMessage: "must have {userId} in it, which stands for the user's id",
    }),
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://[^/?#]+(/\\d*)?$',
      description: 'a Redis in which answers are kept for repeats; needs REDIS_SEAL_SECRET',
      errorMessage: 'must be redis:// or rediss://, a host, and no more than a database number',
    }),
  ),
  REDIS_SEAL_SECRET: Type.Optional(
    Type.String({ description: `what seals answers in Redis, at least ${secretBytesMin} bytes` }),
  ),
  AUTH_JWT_SECRET: Type.Optional(
    Type.String({ description: `the secret of HS256 tokens, at least ${secretBytesMin} bytes` }),
  ),
  AUTH_JWKS_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'where the public keys of tokens are, instead of a secret',
      errorMessage: 'must begin with https:// or http://',
    }),
  ),
  AUTH_ISSUER: Type.Optional(Type.String({ description: 'the issuer that tokens must name' })),
  AUTH_AUDIENCE: Type.Optional(Type.String({ description: 'the audience that tokens must name' })),
})

/** The configuration of the whole system. */
export type CliConfig = Readonly<Static<typeof configSchema>>

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} `config-invalid`; without a way to know callers, also for every address
 * that other machines can reach.
 */
export function readCliConfig(env: Readonly<Record<string, string | undefined>>): CliConfig {
  return readConfig(configSchema, env, { prefix: 'SEMEL_', check: contradictions })
}

/** Where the data goes: what was set, or `.semel` in the checkout, from wherever it is started. */
export function dataFolder({ SEMEL_DATA }: CliConfig): { folder: string; explicit: boolean } {
  const usual = fileURLToPath(new URL('../../.semel', import.meta.url))
  return { folder: SEMEL_DATA ?? usual, explicit: SEMEL_DATA !== undefined }
}

/** How long the database keeps messages, and remembers commands. */
export function retentionOf(config: CliConfig): { keptMs: number; rememberedMs: number } {
  const { SEMEL_KEPT_DAYS: kept, SEMEL_REMEMBERED_DAYS: remembered } = config
  return { keptMs: kept * dayMs, rememberedMs: remembered * dayMs }
}

/** Whether callers are told apart, or everybody who can connect is the one local operator. */
export function knowsCallers({ AUTH_JWT_SECRET, AUTH_JWKS_URL }: CliConfig): boolean {
  return AUTH_JWT_SECRET !== undefined || AUTH_JWKS_URL !== undefined
}

function contradictions(config: CliConfig): string[] {
  const { AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: jwks, HOST } = config
  const { SEMEL_KEPT_DAYS: kept, SEMEL_REMEMBERED_DAYS: remembered } = config
  const { REDIS_URL: redis, REDIS_SEAL_SECRET: seal } = config
  const faults: string[] = []
  if (remembered <= kept) {
    faults.push(
      `SEMEL_REMEMBERED_DAYS ${remembered} must be more than SEMEL_KEPT_DAYS ${kept}, or commands ` +
        'are forgotten while messages can bring them again: raise the one or lower the other',
    )
  }
  for (const name of ['AUTH_JWT_SECRET', 'REDIS_SEAL_SECRET'] as const) {
    if (Buffer.byteLength(config[name] ?? '-'.repeat(secretBytesMin)) >= secretBytesMin) continue
    faults.push(`${name} must have at least ${secretBytesMin} bytes`)
  }
  if (secret !== undefined && jwks !== undefined) {
    faults.push('AUTH_JWT_SECRET and AUTH_JWKS_URL exclude each other: set one of them')
  }
  if (jwks !== undefined && !URL.canParse(jwks)) faults.push('AUTH_JWKS_URL is no URL')
  if (redis !== undefined && !URL.canParse(redis)) faults.push('REDIS_URL is no URL')
  if ((redis === undefined) !== (seal === undefined)) {
    faults.push('REDIS_URL and REDIS_SEAL_SECRET need each other: set both of them, or none')
  }
  const mail = [config.SMTP_URL, config.MAIL_FROM, config.MAIL_TO]
  if (mail.includes(undefined) && mail.some((value) => value !== undefined)) {
    faults.push('SMTP_URL, MAIL_FROM and MAIL_TO need each other: set all of them, or none')
  }
  if (knowsCallers(config)) return faults
  for (const name of ['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const) {
    if (config[name] === undefined) continue
    faults.push(`${name} needs AUTH_JWT_SECRET or AUTH_JWKS_URL: without, no token is looked at`)
  }
  if (!isLoopback(HOST)) {
    faults.push(
      `HOST ${HOST} lets other machines in, and nobody would be asked who they are: ` +
        'set AUTH_JWT_SECRET or AUTH_JWKS_URL, or leave HOST at 127.0.0.1',
    )
  }
  return faults
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return host === 'localhost'
  return loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}
