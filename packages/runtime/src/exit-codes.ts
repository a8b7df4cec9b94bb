import { MigrationRefused } from '@semel/postgres'
import { ConfigError } from './config.ts'
import { StartError } from './start-error.ts'

/** What the exit codes of every process say; `docs/operating.md` has the same table. */
export const exitCodes = {
  done: { code: 0, means: 'done; a list may be empty' },
  failed: { code: 1, means: 'it failed otherwise: a full disk, an address in use, a bug' },
  usage: { code: 2, means: 'the command line or the environment is wrong; nothing was done' },
  notFound: { code: 3, means: 'what was named is not known' },
  database: {
    code: 4,
    means: 'the database, Kafka or the address is not there, or cannot be used',
  },
  violations: {
    code: 5,
    means: 'check has found violations, or probe a promise that does not hold',
  },
  unread: { code: 141, means: 'whoever read the output is gone' },
} as const

const ofStart: Readonly<Record<StartError['code'], { code: number }>> = {
  'address-unusable': exitCodes.failed,
  'currency-differs': exitCodes.usage,
  'database-unreachable': exitCodes.database,
  'database-unsuitable': exitCodes.database,
  'kafka-away': exitCodes.database,
  'kafka-refuses': exitCodes.database,
  'not-migrated': exitCodes.database,
  'not-running': exitCodes.database,
  'topics-unsuitable': exitCodes.database,
}

/**
 * The exit code of a process that cannot start for what a user can mend; undefined for any other
 * error: it is a bug, whose stack is wanted.
 */
export function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof ConfigError) return exitCodes.usage.code
  if (error instanceof MigrationRefused) return exitCodes.database.code
  return error instanceof StartError ? ofStart[error.code].code : undefined
}
