import { MigrationRefused } from '@semel/postgres'
import { EmbeddedPostgresError } from '@semel/postgres/embedded'
import { ConfigError, StartError } from '@semel/runtime'
import { CommanderError } from 'commander'
import { OperatorError } from './operator-error.ts'

/** What the exit codes of every command say; `docs/operating.md` has the same table. */
export const exitCodes = {
  done: { code: 0, means: 'done; a list may be empty' },
  failed: { code: 1, means: 'it failed otherwise: a full disk, an address in use, a bug' },
  usage: { code: 2, means: 'the command line or the environment is wrong; nothing was done' },
  notFound: { code: 3, means: 'what was named is not known' },
  database: { code: 4, means: 'the database or Kafka is not there, or cannot be used' },
  violations: { code: 5, means: 'check has found violations' },
  unread: { code: 141, means: 'whoever read the output is gone' },
} as const

const ofCodes = {
  usage: exitCodes.usage,
  'currency-differs': exitCodes.usage,
  'not-found': exitCodes.notFound,
  'database-away': exitCodes.database,
  'database-unreachable': exitCodes.database,
  'database-unsuitable': exitCodes.database,
  'kafka-away': exitCodes.database,
  'kafka-refuses': exitCodes.database,
  'not-migrated': exitCodes.database,
  'topics-unsuitable': exitCodes.database,
  'not-running': exitCodes.database,
  'address-unusable': exitCodes.failed,
} as const

/** The exit code that tells of an error; undefined where it is a bug, whose stack is wanted. */
export function exitCodeOf(error: unknown): number | undefined {
  // Help was asked for, or is what is shown where a command is missing.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code
  if (error instanceof ConfigError) return exitCodes.usage.code
  if (error instanceof EmbeddedPostgresError || error instanceof MigrationRefused) {
    return exitCodes.database.code
  }
  const isTold = error instanceof OperatorError || error instanceof StartError
  return isTold ? ofCodes[error.code].code : undefined
}
