import { createSecretKey } from 'node:crypto'
import { localOperator, operatorScope, type Scope, userScope } from '@semel/commands'
import { isUuid } from '@semel/contract'
import {
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { Refusal } from './exchange.ts'
import { unauthenticated } from './problems.ts'

/** How callers prove who they are. `none`: there is one, `local/operator`; for loopback only. */
export type CallerOptions =
  | Readonly<{ kind: 'none' }>
  | (TokenRules & Readonly<{ kind: 'secret'; secret: string }>)
  | (TokenRules & KeySet)

/** Keys that are fetched, and kept for ten minutes. */
export type KeySet = Readonly<{
  kind: 'jwks'
  url: URL
  /** How soon an unknown key id has the set fetched again, in milliseconds. Default 10,000. */
  refetchAfterMs?: number
}>

/** What tokens must say besides who signed them. */
export type TokenRules = Readonly<{
  /** The issuer that tokens must name; it is also the tenant of every scope. Default: any, `-`. */
  issuer?: string | undefined
  /** The audience that tokens must name. Default: any. */
  audience?: string | undefined
  /** The time that tokens must be valid at. Default: the clock of this process. */
  clock?: (() => Date) | undefined
}>

/**
 * Tells who sends a request, by its header field `Authorization`. Where that cannot be told now,
 * because the keys cannot be had, it rejects with {@link KeysUnavailable}.
 */
export type Identify = (authorization: string | undefined) => Identified

/** A scope, or why there is none; known at once where the token was seen before. */
export type Identified = Scope | Refusal | Promise<Scope | Refusal>

/** The keys cannot be had, so nobody can tell who calls: our trouble. Code `unavailable`. */
export class KeysUnavailable extends Error {
  readonly code = 'unavailable'

  constructor(cause: unknown) {
    super('the keys of tokens cannot be fetched', { cause })
  }
}

const secretBytesMin = 32
const clockToleranceSeconds = 5
const rememberedMax = 1000
const rememberedMs = 60_000
const bearer = /^Bearer +([\w~+/.=-]+) *$/i

/**
 * Makes the function that tells callers.
 *
 * Tokens are JWTs: HS256 with a secret; RS256, PS256, ES256 or EdDSA with a key set. They must have
 * an expiry, and a `sub` that is a UUID: the user. With `role: "operator"` it may be anything, and
 * the caller may act for all. A token that was found good is believed for a minute, and never
 * beyond its expiry.
 *
 * @throws TypeError when the secret is shorter than 32 bytes.
 */
export function createIdentify(options: CallerOptions): Identify {
  if (options.kind === 'none') return () => localOperator
  const { issuer, clock = () => new Date() } = options
  const verify = verifierOf(options)
  const remembered = new Map<string, { scope: Scope; untilMs: number }>()
  return (authorization) => {
    if (authorization === undefined) return noToken
    const now = clock()
    const known = remembered.get(authorization)
    if (known !== undefined && now.getTime() < known.untilMs) return known.scope
    const token = bearer.exec(authorization)?.[1]
    if (token === undefined) return refused('send one token, as `Bearer` and the token')
    return identify(verify, issuer, token, now).then((found) => {
      if ('problem' in found) return found
      remember(remembered, authorization, found, now)
      return found.scope
    })
  }
}

type Verify = (token: string, now: Date) => Promise<JWTPayload>
type Found = Readonly<{ scope: Scope; expiresMs: number }>

function verifierOf(options: Exclude<CallerOptions, { kind: 'none' }>): Verify {
  const { kind, issuer, audience } = options
  const key = kind === 'secret' ? keyOf(options.secret) : keySet(options)
  const claims = {
    algorithms: kind === 'secret' ? ['HS256'] : ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', 'sub'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  return async (token, currentDate) => {
    const asked = { ...claims, currentDate }
    try {
      return (await jwtVerify(token, key, asked)).payload
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      return verifyWithAny(token, error, asked)
    }
  }
}

/** Tries every key that fits: amid a rotation, a token that names no key may be of either. */
async function verifyWithAny(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  asked: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, asked)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

function keyOf(secret: string): JWTVerifyGetKey {
  const bytes = Buffer.from(secret)
  if (bytes.length < secretBytesMin) {
    throw new TypeError(`the secret must have at least ${secretBytesMin} bytes`)
  }
  const key = createSecretKey(bytes)
  return async () => key
}

function keySet({ url, refetchAfterMs = 10_000 }: KeySet): JWTVerifyGetKey {
  return createRemoteJWKSet(url, { timeoutDuration: 5000, cooldownDuration: refetchAfterMs })
}

async function identify(
  verify: Verify,
  tenant = '-',
  token: string,
  now: Date,
): Promise<Found | Refusal> {
  try {
    const { sub, role, exp } = await verify(token, now)
    const expiresMs = Number(exp) * 1000
    if (typeof sub !== 'string' || sub === '' || !sub.isWellFormed()) {
      return refused('`sub` names nobody')
    }
    if (role === 'operator') return { scope: operatorScope(tenant, sub), expiresMs }
    if (!isUuid(sub)) return refused('`sub` must be the UUID of a user')
    return { scope: userScope(tenant, sub), expiresMs }
  } catch (error) {
    return whyNot(error)
  }
}

function remember(
  remembered: Map<string, { scope: Scope; untilMs: number }>,
  authorization: string,
  { scope, expiresMs }: Found,
  now: Date,
): void {
  if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!)
  const untilMs = Math.min(expiresMs, now.getTime() + rememberedMs)
  remembered.set(authorization, { scope, untilMs })
}

const noToken: Refusal = {
  problem: unauthenticated,
  members: { detail: 'there is no token' },
  headers: { 'www-authenticate': 'Bearer' },
}

function refused(detail: string): Refusal {
  return {
    problem: unauthenticated,
    members: { detail },
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  }
}

/** @throws {KeysUnavailable} when it is not the token that is to blame. */
function whyNot(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return refused('the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refused(`the token's \`${error.claim}\` is not what is asked for here`)
  }
  if (tokenFaults.some((fault) => error instanceof fault)) return refused('the token is not valid')
  throw new KeysUnavailable(error)
}

const tokenFaults = [
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JWKSNoMatchingKey,
]
