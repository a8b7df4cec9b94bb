import type { CallerOptions } from '@semel/http'
import type { ServerSettings } from './settings.ts'

/** Whether callers are told apart, or everybody who can connect is the one local operator. */
export function knowsCallers({ AUTH_JWT_SECRET, AUTH_JWKS_URL }: Partial<ServerSettings>): boolean {
  return AUTH_JWT_SECRET !== undefined || AUTH_JWKS_URL !== undefined
}

/** How callers are known, by what was set. */
export function callersOf(settings: ServerSettings): CallerOptions {
  const claims = { issuer: settings.AUTH_ISSUER, audience: settings.AUTH_AUDIENCE }
  if (settings.AUTH_JWT_SECRET !== undefined) {
    return { kind: 'secret', secret: settings.AUTH_JWT_SECRET, ...claims }
  }
  if (settings.AUTH_JWKS_URL !== undefined) {
    return { kind: 'jwks', url: new URL(settings.AUTH_JWKS_URL), ...claims }
  }
  return { kind: 'none' }
}
