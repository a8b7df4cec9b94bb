import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type CallerOptions, createIdentify, type Identified } from '../src/index.ts'
import { openNotebook } from './notebook.ts'
import { ann, bearer, bySecret, secret } from './tokens.ts'

const now = new Date('2026-01-01T12:00:00Z')
const seconds = now.getTime() / 1000

/** What is made of a token: a scope, or the name of a problem; our trouble is thrown. */
async function outcome(found: Identified) {
  const settled = await found
  return typeof settled === 'string' ? settled : settled.problem.name
}

function identifyAt(options: CallerOptions, clock = () => now) {
  const identify = createIdentify(options.kind === 'none' ? options : { clock, ...options })
  return (authorization?: string) => outcome(identify(authorization))
}

type Signing = { alg?: string; key?: CryptoKey | Uint8Array; kid?: string }

async function token(claims: JWTPayload, { alg = 'HS256', key, kid }: Signing = {}) {
  const signed = await new SignJWT({ exp: seconds + 60, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(key ?? Buffer.from(secret))
  return `Bearer ${signed}`
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

describe('without a way to tell callers', () => {
  it('there is one caller, whatever a request says', async () => {
    const identify = identifyAt({ kind: 'none' })

    expect(await identify()).toBe('local/operator')
    expect(await identify('Bearer nonsense')).toBe('local/operator')
  })
})

describe('a token that is signed with the secret', () => {
  it('names a user by `sub`, in lower case', async () => {
    const identify = identifyAt(bySecret)

    expect(await identify(await token({ sub: ann }))).toBe(`-/user:${ann}`)
    expect(await identify(await token({ sub: ann.toUpperCase() }))).toBe(`-/user:${ann}`)
  })

  it('names an operator by role, who need not be a UUID', async () => {
    const identify = identifyAt(bySecret)

    expect(await identify(await token({ sub: 'ops', role: 'operator' }))).toBe('-/operator:ops')
    expect(await identify(await token({ sub: ann, role: 'Operator' }))).toBe(`-/user:${ann}`)
    expect(await identify(await token({ sub: ann, role: ['operator'] }))).toBe(`-/user:${ann}`)
  })

  it('cannot spell another scope by a strange name', async () => {
    const identify = identifyAt(bySecret)
    const strange = await token({ sub: 'x/user:y z', role: 'operator' })

    expect(await identify(strange)).toBe('-/operator:x%2Fuser%3Ay%20z')
  })

  it('belongs to the tenant of its issuer, where one is configured', async () => {
    const identify = identifyAt({ kind: 'secret', secret, issuer: 'https://issuer.test/' })

    expect(await identify(await token({ sub: ann, iss: 'https://issuer.test/' }))).toBe(
      `https%3A%2F%2Fissuer.test%2F/user:${ann}`,
    )
  })

  it.each<[string, JWTPayload]>([
    ['no subject', {}],
    ['an empty subject', { sub: '' }],
    ['a subject that is no UUID', { sub: 'ann' }],
    ['a subject that is no text', { sub: 7 as never }],
    ['a subject with an unpaired surrogate', { sub: '\ud800', role: 'operator' }],
    ['no expiry', { sub: ann, exp: undefined as never }],
    ['an expiry that is no number', { sub: ann, exp: 'soon' as never }],
    ['an expiry in the past', { sub: ann, exp: seconds - 60 }],
    ['a beginning in the future', { sub: ann, nbf: seconds + 60 }],
    ['another issuer', { sub: ann, iss: 'other', aud: 'semel' }],
    ['no issuer', { sub: ann, aud: 'semel' }],
    ['another audience', { sub: ann, iss: 'issuer', aud: 'other' }],
    ['no audience', { sub: ann, iss: 'issuer' }],
  ])('is not taken with %s', async (_, claims) => {
    const identify = identifyAt({ kind: 'secret', secret, issuer: 'issuer', audience: 'semel' })
    const right = { iss: 'issuer', aud: 'semel' }
    const isAboutClaims = 'iss' in claims || 'aud' in claims

    const sent = await token(isAboutClaims ? claims : { ...right, ...claims })

    expect(await identify(sent)).toBe('unauthenticated')
    expect(await identify(await token({ ...right, sub: ann }))).toBe(`issuer/user:${ann}`)
  })

  it('is not taken with another key, another algorithm, or none', async () => {
    const identify = identifyAt(bySecret)
    const otherKey = Buffer.from('another secret of thirty-two bytes')
    const hs512 = { alg: 'HS512', key: Buffer.from(secret.repeat(2)) }
    const claims = part({ sub: ann, exp: seconds + 60 })
    const unsigned = `Bearer ${part({ alg: 'none' })}.${claims}.`

    expect(await identify(await token({ sub: ann }, { key: otherKey }))).toBe('unauthenticated')
    expect(await identify(await token({ sub: ann }, hs512))).toBe('unauthenticated')
    expect(await identify(unsigned)).toBe('unauthenticated')
    expect(await identify(unsigned.replace(/\.$/, '.AAAA'))).toBe('unauthenticated')
  })

  it('is not taken when a byte of it was changed', async () => {
    const identify = identifyAt(bySecret)
    const [header, , signature] = (await token({ sub: ann })).split('.')
    const forged = part({ sub: ann, role: 'operator', exp: seconds + 60 })

    expect(await identify(`${header}.${forged}.${signature}`)).toBe('unauthenticated')
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer a.b',
    'Bearer a.b.c.d',
    'Bearer a b',
    'Bearer a.b.c, Bearer d.e.f',
    'Basic YTpi',
    'bearer é.b.c',
  ])('is not found in %s', async (header) => {
    expect(await identifyAt(bySecret)(header)).toBe('unauthenticated')
  })

  it('is found behind the scheme in any case', async () => {
    const sent = await token({ sub: ann })

    expect(await identifyAt(bySecret)(sent.replace('Bearer', 'bEARER'))).toBe(`-/user:${ann}`)
  })

  it('is not taken after its expiry, though it was believed before', async () => {
    let time = now
    const identify = identifyAt(bySecret, () => time)
    const sent = await token({ sub: ann, exp: seconds + 30 })
    const first = await identify(sent)

    time = new Date(now.getTime() + 40_000)

    expect(first).toBe(`-/user:${ann}`)
    expect(await identify(sent)).toBe('unauthenticated')
  })

  it('is taken however many others were seen', async () => {
    const identify = identifyAt(bySecret)
    const first = await token({ sub: ann })
    await identify(first)
    for (let index = 0; index < 1100; index += 1) {
      await identify(await token({ sub: ann, jti: String(index) }))
    }

    expect(await identify(first)).toBe(`-/user:${ann}`)
  })

  it('needs a secret of 32 bytes', () => {
    expect(() => createIdentify({ kind: 'secret', secret: 'x'.repeat(31) })).toThrow(TypeError)
    expect(() => createIdentify({ kind: 'secret', secret: 'ä'.repeat(16) })).not.toThrow()
  })
})

describe('a token that is signed with a key of a set', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('names its user: %s', async (alg) => {
    const { url, keys } = await keyServer()
    const key = await addKey(keys, alg, 'one')
    const identify = identifyAt({ kind: 'jwks', url })

    expect(await identify(await token({ sub: ann }, { alg, key, kid: 'one' }))).toBe(
      `-/user:${ann}`,
    )
  })

  it('is not taken when the public key was used as a secret', async () => {
    const { url, keys } = await keyServer()
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    keys.push({ ...(await exportJWK(publicKey)), alg: 'RS256', kid: 'one' })
    const identify = identifyAt({ kind: 'jwks', url })
    const key = Buffer.from(await exportSPKI(publicKey))

    expect(await identify(await token({ sub: ann }, { key, kid: 'one' }))).toBe('unauthenticated')
  })

  it('is not taken when the set has a secret among its keys', async () => {
    const { url, keys } = await keyServer()
    keys.push({ kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'one' })

    const sent = await token({ sub: ann }, { kid: 'one' })

    expect(await identifyAt({ kind: 'jwks', url })(sent)).toBe('unauthenticated')
  })

  it('is not taken with a key that the set does not have', async () => {
    const { url, keys } = await keyServer()
    await addKey(keys, 'ES256', 'one')
    const { privateKey } = await generateKeyPair('ES256')
    const identify = identifyAt({ kind: 'jwks', url })
    const sign = (kid: string) => token({ sub: ann }, { alg: 'ES256', key: privateKey, kid })

    expect(await identify(await sign('two'))).toBe('unauthenticated')
    expect(await identify(await sign('one'))).toBe('unauthenticated')
  })

  it('is taken after a rotation: an unknown key id has the set fetched again', async () => {
    const { url, keys, asked } = await keyServer()
    const old = await addKey(keys, 'ES256', 'old')
    const identify = identifyAt({ kind: 'jwks', url, refetchAfterMs: 0 })
    await identify(await token({ sub: ann }, { alg: 'ES256', key: old, kid: 'old' }))

    keys.length = 0
    const key = await addKey(keys, 'ES256', 'new')
    const found = await identify(await token({ sub: ann }, { alg: 'ES256', key, kid: 'new' }))

    expect(found).toBe(`-/user:${ann}`)
    expect(asked()).toBe(2)
  })

  it('is taken where it names no key and the set has two that fit', async () => {
    const { url, keys } = await keyServer()
    await addKey(keys, 'ES256', 'one')
    const key = await addKey(keys, 'ES256', 'two')
    const identify = identifyAt({ kind: 'jwks', url })

    expect(await identify(await token({ sub: ann }, { alg: 'ES256', key }))).toBe(`-/user:${ann}`)
  })

  it('does not have the set fetched for every key id that somebody makes up', async () => {
    const { url, keys, asked } = await keyServer()
    await addKey(keys, 'ES256', 'one')
    const { privateKey: key } = await generateKeyPair('ES256')
    const identify = identifyAt({ kind: 'jwks', url })

    for (const kid of ['a', 'b', 'c', 'd']) {
      await identify(await token({ sub: ann }, { alg: 'ES256', key, kid }))
    }

    expect(asked()).toBe(1)
  })

  it.each([
    ['answers with an error', { status: 500, body: '' }],
    ['answers nonsense', { status: 200, body: 'no keys' }],
    ['answers no set', { status: 200, body: '{"keys":7}' }],
  ])('gets 503, not 401, when the key server %s: it is our trouble', async (_, answer) => {
    const { url } = await keyServer(answer)
    const { privateKey: key } = await generateKeyPair('ES256')
    const { server } = await openNotebook({ callers: { kind: 'jwks', url } })
    const authorization = await token({ sub: ann }, { alg: 'ES256', key, kid: 'one' })

    const response = await server.inject({
      method: 'GET',
      url: '/notes',
      headers: { authorization },
    })

    expect(response.json()).toMatchObject({ status: 503, effect: 'none' })
    expect(response.headers['retry-after']).toBe('1')
  })

  it('gets 503 when nobody listens at the address of the set, and is taken when somebody does', async () => {
    const { url, keys, close } = await keyServer()
    const key = await addKey(keys, 'ES256', 'one')
    const sent = await token({ sub: ann }, { alg: 'ES256', key, kid: 'one' })
    const identify = identifyAt({ kind: 'jwks', url })
    await close()

    await expect(identify(sent)).rejects.toMatchObject({ code: 'unavailable' })
    await keyServer(undefined, keys, Number(url.port))

    expect(await identify(sent)).toBe(`-/user:${ann}`)
  })
})

describe('a caller who is not known', () => {
  it('is told which scheme to use, and no more than that', async () => {
    const { server } = await openNotebook({ callers: bySecret })
    const get = (authorization: string) =>
      server.inject({ method: 'GET', url: '/notes', headers: { authorization } })

    const none = await server.inject({ method: 'GET', url: '/notes' })
    const expired = await get(await bearer(ann, { exp: 1 }))

    expect(none.headers['www-authenticate']).toBe('Bearer')
    expect(expired.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    expect(expired.json().detail).toBe('the token has expired')
  })
})

/** A server of keys, and how often it was asked. */
async function keyServer(
  answer?: { status: number; body: string },
  keys: JWK[] = [],
  port = 0,
): Promise<{ url: URL; keys: JWK[]; asked(): number; close(): Promise<void> }> {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    const { status, body } = answer ?? { status: 200, body: JSON.stringify({ keys }) }
    response
      .writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      .end(body)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  onTestFinished(close)
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`)
  return { url, keys, asked: () => requests, close }
}

async function addKey(keys: JWK[], alg: string, kid: string): Promise<CryptoKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  keys.push({ ...(await exportJWK(publicKey)), alg, kid })
  return privateKey
}
