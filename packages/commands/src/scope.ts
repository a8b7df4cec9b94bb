declare const scopeBrand: unique symbol

/**
 * Who asks. A command's identity begins with it, so that no two callers can ever share an answer.
 *
 * There is no default and no anonymous scope: only the functions of this file make one, and code
 * that leaves it out does not compile. `tenant/user:<sub>`, `tenant/operator:<sub>`, `@<service>`
 * or `local/operator`; tenant and subject are percent-encoded, so no two callers are written alike.
 */
export type Scope = string & { readonly [scopeBrand]: true }

/** What loopback mode has: one caller, who may act for every user. */
export const localOperator = 'local/operator' as Scope

/** A user of a tenant. `subject`: the user's id; `tenant`: `-` where no issuer is configured. */
export function userScope(tenant: string, subject: string): Scope {
  return principal(tenant, 'user', subject.toLowerCase())
}

/** An operator of a tenant, who may act for every user. */
export function operatorScope(tenant: string, subject: string): Scope {
  return principal(tenant, 'operator', subject)
}

/** A service that asks something of another service. */
export function serviceScope(service: string): Scope {
  if (!/^[a-z][a-z-]*$/.test(service)) throw new TypeError(`not a service's name: "${service}"`)
  return `@${service}` as Scope
}

/** A scope that was written down (in the command log, in a message), read back. */
export function parseScope(text: string): Scope {
  const known = /^(@[a-z][a-z-]*|local\/operator|[^/\s]+\/(user|operator):[^/\s]+)$/.test(text)
  if (!known) throw new TypeError(`not a scope: "${text}"`)
  return text as Scope
}

/** Whether a caller may act for a user: the user, any operator, any service. */
export function mayActFor(scope: Scope, userId: string): boolean {
  return mayActForAll(scope) || scope.endsWith(`/user:${encodeURIComponent(userId.toLowerCase())}`)
}

/** Whether a caller may ask for a command, which may name a user. */
export function mayAsk({ scope, input }: Readonly<{ scope: Scope; input: unknown }>): boolean {
  const { userId } = input as { userId?: unknown }
  return typeof userId !== 'string' || mayActFor(scope, userId)
}

function mayActForAll(scope: Scope): boolean {
  return scope === localOperator || isService(scope) || /^[^/]+\/operator:/.test(scope)
}

/** Whether a scope is a service's. */
export function isService(scope: string): boolean {
  return scope.startsWith('@')
}

/** The user a scope stands for; undefined for operators and services. */
export function userOf(scope: Scope): string | undefined {
  const found = /^[^/@]+\/user:(.+)$/.exec(scope)?.[1]
  return found === undefined ? undefined : decodeURIComponent(found)
}

function principal(tenant: string, role: string, subject: string): Scope {
  if (tenant === '' || subject === '') throw new TypeError('a scope needs a tenant and a subject')
  return `${encodeURIComponent(tenant)}/${role}:${encodeURIComponent(subject)}` as Scope
}
