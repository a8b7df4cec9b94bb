import { expect, it } from 'vitest'
import { describeWithHelm, render } from './helm.ts'
import { secretsIn } from './manifests.ts'

// Passwords and secrets that nobody names: made once, or not at all.

const tokens = { AUTH_JWT_SECRET: { name: 'tokens', key: 'secret' } }
const seals = { SEAL_SECRET: { name: 'seals', key: 'secret' } }
const keys = 'https://login.example/keys'

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
