import { createIdentify } from '@semel/http'
import { expect, test } from 'vitest'
import { tokenSecret } from '../../test/client.ts'
import { spawnProduct } from '../../test/product.ts'
import { makeToken } from '../src/token.ts'

const user = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const now = new Date('2026-11-21T12:00:00Z')
const rules = { AUTH_JWT_SECRET: tokenSecret, AUTH_ISSUER: 'shop', AUTH_AUDIENCE: 'semel' }

test.each([
  [{ user }, 'shop/user:7c9e6679-7425-40de-944b-e07fc1f90ae7'],
  [{ operator: 'ann' }, 'shop/operator:ann'],
])(
  'a token for %o is that caller to who has the same secret, issuer and audience',
  async (caller, scope) => {
    const token = makeToken(rules, { caller, hours: 2, now })

    expect(await callerAt(token, 2 * 3600 - 1)).toBe(scope)
    expect(await callerAt(token, 2 * 3600 + 6)).toMatchObject({
      members: { detail: expect.stringContaining('expired') },
    })
  },
)

test('a token is printed alone, for an hour or as many as were asked for', async () => {
  const ended = await run(['--operator', '--hours', '24'], { AUTH_JWT_SECRET: tokenSecret })
  const usual = await run(['--user', user], { AUTH_JWT_SECRET: tokenSecret })

  expect([ended.code, usual.code]).toEqual([0, 0])
  const [long, short] = [ended, usual].map(({ output }) => JSON.parse(claimsOf(output)))
  expect(long).toMatchObject({ sub: 'operator', role: 'operator' })
  expect(short).toEqual({ sub: user, exp: expect.any(Number) })
  expect((long.exp - short.exp) / 3600).toBeCloseTo(23, 1)
})

test.each([
  [['--operator'], {}, /^semel: AUTH_JWT_SECRET is not set: .*\n$/],
  [['--operator'], { AUTH_JWKS_URL: 'https://id.example/keys' }, /^semel: .* private key: .*\n$/],
  [
    ['--operator'],
    { AUTH_JWT_SECRET: 'short' },
    /^semel: AUTH_JWT_SECRET must have at least 32 .*\n$/,
  ],
  [[], {}, /^semel: whose token is it: .*\n$/],
  [['--operator', 'ann', '--user', user], {}, /^semel: whose token is it: .*\n$/],
  [['--user', 'ann'], {}, /^semel: .* must be a UUID.*\n$/],
  [['--user', user, '--hours', '25'], {}, /^semel: .* at most 24.*\n$/],
])('%j with %j makes no token, and says why in one line', async (args, env, said) => {
  const { code, output } = await run(args, env)

  expect(code).toBe(2)
  expect(output).toMatch(said)
})

async function run(args: readonly string[], env: Record<string, string>) {
  const { exited, output } = spawnProduct(env, ['token', ...args])
  return { code: await exited, output: output() }
}

function callerAt(token: string, seconds: number) {
  const clock = () => new Date(now.getTime() + seconds * 1000)
  const { AUTH_JWT_SECRET: secret, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = rules
  return createIdentify({ kind: 'secret', secret, issuer, audience, clock })(`Bearer ${token}`)
}

function claimsOf(output: string): string {
  expect(output).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  return Buffer.from(output.split('.')[1]!, 'base64url').toString()
}
