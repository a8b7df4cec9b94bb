import { type JWTPayload, SignJWT } from 'jose'
import type { CallerOptions } from '../src/index.ts'

export const secret = 'a secret of thirty-two bytes or more'
export const bySecret: CallerOptions = { kind: 'secret', secret }
export const ann = 'aaaaaaaa-0000-4000-8000-00000000000a'
export const bob = 'bbbbbbbb-0000-4000-8000-00000000000b'

/** The header field of a caller who is known by {@link bySecret}. */
export async function bearer(sub: string, claims: JWTPayload = {}): Promise<string> {
  const token = await new SignJWT({ sub, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(claims.exp ?? '1h')
    .sign(Buffer.from(secret))
  return `Bearer ${token}`
}
