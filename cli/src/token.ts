import { createHmac } from 'node:crypto'
import { callerSettings, readSettings } from '@semel/runtime'
import { Type } from 'typebox'
import { usageError } from './operator-error.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Who a token is for, and for how long. */
export type TokenOptions = Readonly<{
  /** A user by its UUID, or an operator by any name. */
  caller: Readonly<{ user: string }> | Readonly<{ operator: string }>
  hours: number
  now: Date
}>

const schema = Type.Object(callerSettings)

/**
 * A token as a process asks for it that was told the same: signed with AUTH_JWT_SECRET, naming
 * AUTH_ISSUER and AUTH_AUDIENCE where they are set; undefined where no secret is.
 *
 * @throws {ConfigError} `config-invalid`
 */
export function tokenOf(env: Env, { caller, hours, now }: TokenOptions): string | undefined {
  const {
    AUTH_JWT_SECRET: secret,
    AUTH_ISSUER: iss,
    AUTH_AUDIENCE: aud,
  } = readSettings(schema, env)
  if (secret === undefined) return undefined
  const who = 'user' in caller ? { sub: caller.user } : { sub: caller.operator, role: 'operator' }
  const exp = Math.floor(now.getTime() / 1000) + hours * 3600
  const said = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...who, exp, iss, aud })}`
  return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`
}

/**
 * The same, where there has to be one.
 *
 * @throws {ConfigError | OperatorError} what a user can mend.
 */
export function makeToken(env: Env, options: TokenOptions): string {
  const token = tokenOf(env, options)
  if (token !== undefined) return token
  throw usageError(
    env.AUTH_JWKS_URL
      ? 'tokens are made by whoever has the private key: AUTH_JWKS_URL has only public ones'
      : 'AUTH_JWT_SECRET is not set: set it to what the processes have; where they have none, ' +
          'nobody is asked for a token',
  )
}

function part(claims: object): string {
  return Buffer.from(JSON.stringify(claims)).toString('base64url')
}
