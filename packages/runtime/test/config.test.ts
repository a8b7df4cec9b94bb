import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { ConfigError, describeConfig, readConfig } from '../src/config.ts'

const schema = Type.Object({
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65_535,
    default: 8080,
    description: 'Where to listen',
  }),
  SEMEL_TRACE: Type.Boolean({ default: false, description: 'Whether to trace' }),
  SEMEL_CURRENCY: Type.String({
    pattern: '^[A-Z]{3}$',
    errorMessage: 'must be three capital letters',
    default: 'EUR',
  }),
  AUTH_JWT_SECRET: Type.Optional(Type.String({ minLength: 4, description: 'A secret' })),
})
const rules = { prefix: 'SEMEL_' }

test('what is not set, or set to nothing, takes its default', () => {
  expect(readConfig(schema, { SEMEL_CURRENCY: '' }, rules)).toEqual({
    PORT: 8080,
    SEMEL_TRACE: false,
    SEMEL_CURRENCY: 'EUR',
  })
})

test('numbers and booleans are read from text', () => {
  const env = { PORT: '0', SEMEL_TRACE: 'true', SEMEL_CURRENCY: 'CHF', AUTH_JWT_SECRET: '12345' }

  expect(readConfig(schema, env, rules)).toEqual({
    PORT: 0,
    SEMEL_TRACE: true,
    SEMEL_CURRENCY: 'CHF',
    AUTH_JWT_SECRET: '12345',
  })
})

test.each(['80.5', '1e3', '0x50', ' 80', '65536', '-1', 'http', '9'.repeat(30)])(
  'a port of "%s" is refused',
  (PORT) => {
    expect(faults({ PORT })).toEqual([expect.stringMatching(/^PORT must be /)])
  },
)

test.each(['yes', '1', 'TRUE', ' true'])('a boolean of "%s" is refused', (SEMEL_TRACE) => {
  expect(faults({ SEMEL_TRACE })).toEqual(['SEMEL_TRACE must be boolean'])
})

test('an unknown variable with our prefix is refused, with a list of what is known', () => {
  expect(faults({ SEMEL_DTA: '/data', OTHER: 'x' })).toEqual([
    'SEMEL_DTA is not known (known are PORT, SEMEL_TRACE, SEMEL_CURRENCY, AUTH_JWT_SECRET)',
  ])
})

test('everything that is wrong is said at once, and no value is repeated', () => {
  const env = { PORT: 'x', SEMEL_CURRENCY: 'euro', SEMEL_X: '1', AUTH_JWT_SECRET: 'abc' }

  const { message } = faultOf(env)

  expect(message).toMatch(/SEMEL_X.*; PORT.*; SEMEL_CURRENCY must be three capital.*; AUTH_JWT/)
  expect(message).not.toMatch(/abc|euro/)
})

test('what has no default and is not optional has to be set', () => {
  const required = Type.Object({ DATABASE_URL: Type.String() })

  expect(() => readConfig(required, {}, rules)).toThrow('DATABASE_URL has to be set')
})

test('rules between variables are checked once each of them is right', () => {
  const check = ({ PORT }: { PORT: number }) => (PORT === 25 ? ['PORT 25 is for mail'] : [])

  expect(() => readConfig(schema, { PORT: '25' }, { ...rules, check })).toThrow('for mail')
  expect(() => readConfig(schema, { PORT: 'x' }, { ...rules, check })).toThrow('PORT must be')
})

test('a configuration cannot be changed', () => {
  const config = readConfig(schema, {}, rules)

  expect(() => Object.assign(config, { PORT: 1 })).toThrow(TypeError)
})

test('the description names every variable with its meaning and its default', () => {
  expect(describeConfig(schema).split('\n')).toEqual([
    '  PORT             Where to listen (default: 8080)',
    '  SEMEL_TRACE      Whether to trace (default: false)',
    '  SEMEL_CURRENCY    (default: EUR)',
    '  AUTH_JWT_SECRET  A secret',
  ])
})

function faultOf(env: Record<string, string>): ConfigError {
  try {
    readConfig(schema, env, rules)
  } catch (error) {
    if (error instanceof ConfigError) return error
  }
  throw new Error('expected a ConfigError')
}

function faults(env: Record<string, string>): readonly string[] {
  return faultOf(env).faults
}
