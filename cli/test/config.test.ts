import { basename } from 'node:path'
import { configSchema as ofGateway } from '@semel/gateway/config'
import { readSettings } from '@semel/runtime'
import { expect, test } from 'vitest'
import { dataFolder, readCliConfig } from '../src/config.ts'

const secret = 's'.repeat(32)

test('nothing has to be set', () => {
  expect(readCliConfig({})).toEqual({
    PORT: 8080,
    HOST: '127.0.0.1',
    SHUTDOWN_DELAY_SECONDS: 0,
    METRICS_HOST: '127.0.0.1',
    SEMEL_CURRENCY: 'EUR',
    SEMEL_PARTITIONS: 1,
    SEMEL_KEPT_DAYS: 7,
    SEMEL_REMEMBERED_DAYS: 30,
    KAFKA_TOPIC_PREFIX: 'DEV',
    KAFKA_TLS: false,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    SEMEL_UNSENT_MAX: 1_000_000,
    REGISTER: 'all',
  })
})

test('the data goes into the checkout, wherever the command is started', () => {
  const { folder, explicit } = dataFolder(readCliConfig({}))

  expect(basename(folder)).toBe('.semel')
  expect(folder.startsWith(new URL('../..', import.meta.url).pathname)).toBe(true)
  expect(explicit).toBe(false)
})

test('a data folder that is set is that folder', () => {
  const config = readCliConfig({ SEMEL_DATA: '/srv/semel' })

  expect(dataFolder(config)).toEqual({ folder: '/srv/semel', explicit: true })
})

test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', 'localhost'])(
  'without tokens, only this machine can connect: HOST %s is fine',
  (HOST) => {
    expect(readCliConfig({ HOST }).HOST).toBe(HOST)
  },
)

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.7',
  '128.0.0.1',
  'example.org',
  'localhost.example.org',
  '127.1',
])('without tokens, HOST %s is refused, and the way out is named', (HOST) => {
  expect(() => readCliConfig({ HOST })).toThrow(/AUTH_JWT_SECRET or AUTH_JWKS_URL/)
})

test.each([
  [{ REDIS_URL: 'redis://localhost' }, /REDIS_URL needs SEAL_SECRET/],
  [{ SEAL_SECRET: secret }, /seals nothing/],
  [{ REDIS_URL: 'redis://localhost', SEAL_SECRET: 'short' }, /at least 32 bytes/],
  [{ REDIS_URL: 'http://localhost', SEAL_SECRET: secret }, /must be redis:/],
  [{ REDIS_URL: 'redis://localhost/zero', SEAL_SECRET: secret }, /must be redis:/],
  [{ REDIS_URL: 'redis://localhost:99999', SEAL_SECRET: secret }, /REDIS_URL is no URL/],
])('a Redis that could not be used is refused: %j', (env, fault) => {
  expect(() => readCliConfig(env)).toThrow(fault)
})

test.each(['http://127.0.0.1:99999', 'http://127.0.0.1:8081,http://127.0.0.1:99999'])(
  'a service whose address is none is refused: %s',
  (ORDERS_URL) => {
    expect(() => readSettings(ofGateway, { ORDERS_URL })).toThrow(/ORDERS_URL is no URL/)
  },
)

test.each(['redis://localhost', 'rediss://ann:pass@redis.example:6380/3'])(
  'a Redis may be named with all that it takes: %s',
  (REDIS_URL) => {
    expect(readCliConfig({ REDIS_URL, SEAL_SECRET: secret }).REDIS_URL).toBe(REDIS_URL)
  },
)

test.each([
  [{ KAFKA_BROKERS: 'kafka' }, /must be host:port/],
  [{ KAFKA_BROKERS: 'kafka://one:9092' }, /must be host:port/],
  [{ KAFKA_TOPIC_PREFIX: 'my_shop' }, /letters, digits and hyphens/],
  [{ KAFKA_USERNAME: 'ann', KAFKA_PASSWORD: 'pass' }, /KAFKA_USERNAME needs KAFKA_BROKERS/],
  [kafka({ KAFKA_PASSWORD: '' }), /need each other/],
  [kafka({ KAFKA_CA_FILE: '/ca.pem' }), /KAFKA_CA_FILE needs KAFKA_TLS=true/],
  [kafka({ KAFKA_SASL_MECHANISM: 'GSSAPI' }), /must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512/],
  [kafka({ KAFKA_SASL_MECHANISM: 'PLAIN' }), /shows the password/],
])('a Kafka that could not be used is refused: %j', (env, fault) => {
  expect(() => readCliConfig(env)).toThrow(fault)
})

test('a password is shown as it is by TLS alone', () => {
  const env = kafka({ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_TLS: 'true' })

  expect(readCliConfig(env)).toMatchObject({ KAFKA_TLS: true, KAFKA_USERNAME: 'ann' })
})

test('with tokens, any HOST is fine', () => {
  expect(readCliConfig({ HOST: '0.0.0.0', AUTH_JWT_SECRET: secret }).HOST).toBe('0.0.0.0')
  expect(readCliConfig({ HOST: '::', AUTH_JWKS_URL: 'https://id.example/keys' }).HOST).toBe('::')
})

test.each([
  ['a secret under 32 bytes', { AUTH_JWT_SECRET: secret.slice(1) }, /at least 32 bytes/],
  [
    'a secret and a key set',
    { AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: 'https://id.example/keys' },
    /exclude each other/,
  ],
  ['mail without an address to send it from', mail({ MAIL_FROM: '' }), /need each other/],
  ['mail addresses without a server', mail({ SMTP_URL: '' }), /need each other/],
  [
    'one address for all users',
    mail({ MAIL_TO: 'all@shop.example' }),
    /must have \{userId\} in it/,
  ],
  ['a mail server that is none', mail({ SMTP_URL: 'mail.example' }), /must begin with smtp/],
  ['a key set that is no URL', { AUTH_JWKS_URL: 'https://' }, /no URL/],
  ['a key set without a protocol', { AUTH_JWKS_URL: 'id.example/keys' }, /must begin with https/],
  ['an issuer that nobody looks at', { AUTH_ISSUER: 'https://id.example' }, /AUTH_ISSUER needs/],
  ['an audience that nobody looks at', { AUTH_AUDIENCE: 'shop' }, /AUTH_AUDIENCE needs/],
  ['a currency in small letters', { SEMEL_CURRENCY: 'eur' }, /ISO 4217/],
  ['a burst of nothing', { RATE_LIMIT_BURST: '5' }, /RATE_LIMIT_BURST needs/],
  ['a limit of none', { RATE_LIMIT_PER_MINUTE: '0' }, /from 1 to 1000000/],
  ['another database', { DATABASE_URL: 'mysql://db' }, /postgres:\/\//],
  [
    'to forget commands with the messages',
    { SEMEL_REMEMBERED_DAYS: '7' },
    /SEMEL_REMEMBERED_DAYS 7 must be more than SEMEL_KEPT_DAYS 7.*: raise the one or lower the oth/,
  ],
  [
    'to keep messages for longer than commands',
    { SEMEL_KEPT_DAYS: '31' },
    /SEMEL_REMEMBERED_DAYS 30 must be more than SEMEL_KEPT_DAYS 31/,
  ],
  ['to keep nothing', { SEMEL_KEPT_DAYS: '0' }, /whole number from 1 to 3650/],
  ['a port beyond 65535', { PORT: '65536' }, /0 to 65535/],
  ['a variable of ours that is mistyped', { SEMEL_DTA: '/srv' }, /SEMEL_DTA is not known/],
])('%s is refused', (_, env, message) => {
  expect(() => readCliConfig(env as Record<string, string>)).toThrow(message)
})

test('a secret is measured in bytes, and never shown', () => {
  expect(readCliConfig({ AUTH_JWT_SECRET: 'é'.repeat(16) }).AUTH_JWT_SECRET).toHaveLength(16)
  expect(() => readCliConfig({ AUTH_JWT_SECRET: 'hunter2' })).not.toThrow(/hunter2/)
})

function mail(change: Readonly<Record<string, string>>): Record<string, string> {
  const whole = {
    SMTP_URL: 'smtp://mail.example',
    MAIL_FROM: 'shop@shop.example',
    MAIL_TO: '{userId}@users.example',
  }
  return { ...whole, ...change }
}

function kafka(change: Readonly<Record<string, string>>): Record<string, string> {
  return {
    KAFKA_BROKERS: 'one:9092,two:9092',
    KAFKA_USERNAME: 'ann',
    KAFKA_PASSWORD: 'p',
    ...change,
  }
}
