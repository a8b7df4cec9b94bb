import { localOperator, operatorScope, type Scope, userScope } from '@semel/commands'
import { createRemoteJWKSet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'

/** How callers prove who they are. `none`: there is one, `local/operator`; for loopback only. */
export type CallerOptions =
  | Readonly<{ kind: 'none' }>
  | (Readonly<{
      /** Required in tokens, where given; it is then also the tenant of every scope. */
      issuer?: string | undefined
      /** Required in tokens, where given. */
      audience?: string | undefined
      clock?: (() => Date) | undefined
    }> &
      (
        | Readonly<{
            kind: 'secret'
            /** Of HS256, 32 bytes at least. */
            secret: string
          }>
        | Readonly<{ kind: 'jwks'; url: URL }>
      ))

/** Who asks, by the `Authorization` header; undefined for nobody we know. */
export type Identify = (authorization: string | undefined) => Promise<Scope | undefined>

const secretBytesMin = 32
const clockToleranceSeconds = 5
const cacheMs = 60_000
const cacheEntriesMax = 10_000
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Makes the function that tells who asks. Algorithms are pinned: HS256 for a secret, asymmetric
 * ones for a key set, so that neither can pass for the other and `none` never passes. A token needs
 * an expiry. `sub` is the user, a UUID; `role: "operator"` may act for every user.
 *
 * @throws TypeError for a secret that is shorter than 32 bytes.
 */
export function createIdentify(options: CallerOptions): Identify {
  if (options.kind === 'none') return async () => localOperator
  const { issuer, audience, clock = () => new Date() } = options
  const verify = verifierOf(options)
  const claims = (now: Date): JWTVerifyOptions => ({
    algorithms: options.kind === 'secret' ? ['HS256'] : ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clockTolerance: clockToleranceSeconds,
    currentDate: now,
    requiredClaims: ['exp', 'sub'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  })
  const verified = new Map<string, { scope: Scope; until: number }>()
  return async (authorization) => {
    const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return undefined
    const now = clock()
    const known = verified.get(token)
    if (known !== undefined && now.getTime() < known.until) return known.scope
    const payload = await verify(token, claims(now))
    const scope = payload && scopeOf(payload, issuer ?? '-')
    if (scope === undefined) return undefined
    if (verified.size >= cacheEntriesMax) verified.clear()
    const until = Math.min(now.getTime() + cacheMs, (payload?.exp ?? 0) * 1000)
    verified.set(token, { scope, until })
    return scope
  }
}

type Verify = (token: string, claims: JWTVerifyOptions) => Promise<JWTPayload | undefined>

function verifierOf(options: Exclude<CallerOptions, { kind: 'none' }>): Verify {
  if (options.kind === 'jwks') {
    const keys = createRemoteJWKSet(options.url, { timeoutDuration: 3000, cooldownDuration: 5000 })
    return (token, claims) => payloadOr(jwtVerify(token, keys, claims))
  }
  const secret = new TextEncoder().encode(options.secret)
  if (secret.length < secretBytesMin) {
    throw new TypeError(`the secret for tokens needs at least ${secretBytesMin} bytes`)
  }
  return (token, claims) => payloadOr(jwtVerify(token, secret, claims))
}

/** Whatever is wrong with a token, its bearer is nobody we know. */
async function payloadOr(
  verified: Promise<{ payload: JWTPayload }>,
): Promise<JWTPayload | undefined> {
  try {
    return (await verified).payload
  } catch {
    return undefined
  }
}

function scopeOf({ sub, role }: JWTPayload, tenant: string): Scope | undefined {
  if (sub === undefined || sub === '') return undefined
  if (role === 'operator') return operatorScope(tenant, sub)
  return uuid.test(sub) ? userScope(tenant, sub) : undefined
}
