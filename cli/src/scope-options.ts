import { operatorScope, parseScope, type Scope, userScope } from '@semel/commands'
import type { Command } from 'commander'
import { usageError } from './operator-error.ts'

/** Who a command was sent by, as options say it. */
export type ScopeOptions = Readonly<{
  scope?: string
  user?: string
  operator?: string
  tenant?: string
}>

/** What to add where a key is not found. */
export const whoseKey =
  'a key belongs to who sent it: --user <id>, --operator <sub> or --scope <scope>'

/** Adds the options that say whose key is meant. */
export function withScope(command: Command): Command {
  return command
    .option('--scope <scope>', 'who sent it (default: local/operator)')
    .option('--user <id>', 'short for --scope <tenant>/user:<id>')
    .option('--operator <sub>', 'short for --scope <tenant>/operator:<sub>')
    .option('--tenant <tenant>', 'the issuer of the token (default: -, none configured)')
}

/**
 * The scope that options name; undefined where they name none.
 *
 * @throws {OperatorError} `usage`
 */
export function scopeOf({ scope, user, operator, tenant }: ScopeOptions): Scope | undefined {
  const named = [scope, user, operator].filter((one) => one !== undefined)
  if (named.length > 1) throw usageError('--scope, --user and --operator exclude each other')
  if (tenant !== undefined && user === undefined && operator === undefined) {
    throw usageError('--tenant needs --user or --operator')
  }
  try {
    if (user !== undefined) return userScope(tenant ?? '-', user)
    if (operator !== undefined) return operatorScope(tenant ?? '-', operator)
    return scope === undefined ? undefined : parseScope(scope)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const forms = 'local/operator, <tenant>/user:<id>, <tenant>/operator:<sub> or @<service>'
    throw usageError(`${error.message}; scopes are ${forms}`)
  }
}
