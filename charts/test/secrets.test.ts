import { expect, it } from 'vitest'
import type { Stored } from './api-server.ts'
import { type Case, describeWithHelm, refusalOf, render } from './helm.ts'
import { secretsIn } from './manifests.ts'
import { cases } from './renderings.ts'

// Passwords and secrets that nobody names: made once, or not at all.

const tokens = { AUTH_JWT_SECRET: { name: 'tokens', key: 'secret' } }
const seals = { SEAL_SECRET: { name: 'seals', key: 'secret' } }
const keys = 'https://login.example/keys'
const none = { global: { semel: { generateSecrets: false } } }

function secret(name: string, texts: Readonly<Record<string, string>>): Stored {
  const data = Object.entries(texts).map(([key, text]) => [key, btoa(text)])
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: Object.fromEntries(data) }
}

describeWithHelm('a chart', () => {
  it('makes a secret that is not in the cluster, and keeps one that is', async () => {
    const stored = [secret('shop-gateway', { AUTH_JWT_SECRET: 'of old' })]
    const made = secretsIn(await render({ chart: 'gateway', stored: [] }))
    const kept = secretsIn(await render({ chart: 'gateway', stored }))

    expect(made.get('shop-gateway')!.AUTH_JWT_SECRET).toMatch(/^[A-Za-z0-9]{48}$/)
    expect(kept.get('shop-gateway')).toEqual({ AUTH_JWT_SECRET: 'of old' })
  })

  it('that is to make none keeps those that are in the cluster', async () => {
    const stored = [
      secret('shop-orders', { AUTH_JWT_SECRET: 'for tokens' }),
      secret('shop-postgres', { password: 'for all' }),
      secret('shop-postgres-orders', { password: 'for orders' }),
    ]
    const secrets = secretsIn(await render({ chart: 'orders', values: none, stored }))

    expect(secrets.get('shop-orders')).toEqual({ AUTH_JWT_SECRET: 'for tokens' })
    expect(secrets.get('shop-postgres')!.password).toBe('for all')
    expect(secrets.get('shop-postgres-orders')!.uri).toContain('orders:for orders@shop-postgres')
  })

  it('that names each secret is the same however often it is rendered', async () => {
    const production = cases['semel in production']!

    expect(await render(production)).toEqual(await render(production))
  })
})

describeWithHelm('a Secret that is named', () => {
  const answering = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }

  it.each([
    ['one service', { chart: 'orders', values: { secrets: tokens } }],
    ['all services', { chart: 'semel', values: { global: { semel: { secrets: tokens } } } }],
    ['one of all', { chart: 'semel', values: { orders: { secrets: tokens } } }],
  ] satisfies [string, Case][])('for %s has to be there, with the key', async (_, one) => {
    const missing = await refusalOf({ ...one, stored: [answering] })
    const other = [answering, secret('tokens', { key: 'of another' })]

    expect(missing).toMatch(
      /secrets\.AUTH_JWT_SECRET of \w+ names the Secret tokens, which is not in the namespace else/,
    )
    expect(await refusalOf({ ...one, stored: other })).toMatch(
      /of \w+ names the key secret, which the Secret tokens does not have \(it has: key\)/,
    )
    await render({ ...one, stored: [answering, secret('tokens', { secret: 'for tokens' })] })
  })

  it.each(['semel', 'orders'])('is not looked for where %s makes it itself', async (chart) => {
    await render({ chart, stored: [answering] })
  })
})

describeWithHelm('semel', () => {
  it.each([
    ['both, by default', {}, ['AUTH_JWT_SECRET', 'SEAL_SECRET']],
    ['that of seals, if tokens have one', { secrets: tokens }, ['SEAL_SECRET']],
    ['that of seals, if tokens need none', { settings: { AUTH_JWKS_URL: keys } }, ['SEAL_SECRET']],
    ['that of tokens, if seals have one', { secrets: seals }, ['AUTH_JWT_SECRET']],
    ['none, if both are named', { secrets: { ...tokens, ...seals } }, []],
  ])('makes of the secrets that services share %s', async (_, told, made) => {
    const secrets = secretsIn(await render({ chart: 'semel', values: { global: { semel: told } } }))
    const shared = secrets.get('shop-shared')

    expect(shared === undefined ? [] : Object.keys(shared)).toEqual(made)
    expect(shared).not.toEqual({})
  })
})

const orders = {
  postgres: { enabled: false },
  secrets: { DATABASE_URL: { name: 'pg', key: 'uri' } },
}
const redis = { REDIS_URL: { name: 'redis', key: 'uri' } }
const external = {
  ...{ postgres: { enabled: false }, redis: { enabled: false } },
  global: {
    semel: {
      generateSecrets: false,
      secrets: { ...orders.secrets, ...redis, ...tokens },
    },
  },
}

const refused: Readonly<Record<string, Case & Readonly<{ says: readonly string[] }>>> = {
  'the secret of tokens of a service': {
    ...{ chart: 'orders', values: { ...none, ...orders } },
    says: ['no Secret shop-orders with the key AUTH_JWT_SECRET', 'by secrets.AUTH_JWT_SECRET.name'],
  },
  'the same, where the cluster has a Secret without it': {
    ...{ chart: 'orders', values: { ...none, ...orders } },
    stored: [secret('shop-orders', { SEAL_SECRET: 'another' }), secret('pg', { uri: 'postgres:' })],
    says: ['no Secret shop-orders with the key AUTH_JWT_SECRET', 'in the namespace elsewhere'],
  },
  'the secret of seals of a service': {
    ...{ chart: 'orders' },
    values: { ...none, ...orders, secrets: { ...orders.secrets, ...tokens, ...redis } },
    says: ['no Secret shop-orders with the key SEAL_SECRET', 'by secrets.SEAL_SECRET.name'],
  },
  'the secret of seals of all services': {
    ...{ chart: 'semel', values: external },
    says: ['no Secret shop-shared with the key SEAL_SECRET', 'by global.semel.secrets.SEAL_SECRET'],
  },
  'the passwords of a PostgreSQL': {
    ...{ chart: 'postgres', values: none },
    says: ['no Secret shop-postgres', 'key password', 'make it first', 'in place of postgres'],
  },
  'the password of a Redis': {
    ...{ chart: 'redis', values: none },
    says: ['no Secret shop-redis', 'key password', 'make it first', 'in place of redis'],
  },
}

describeWithHelm('without generateSecrets, a chart refuses to make', () => {
  it.each(Object.entries(refused))('%s', async (_, { says, ...one }) => {
    const refusal = await refusalOf(one)

    for (const words of ['global.semel.generateSecrets=false', ...says]) {
      expect(refusal).toContain(words)
    }
  })
})
