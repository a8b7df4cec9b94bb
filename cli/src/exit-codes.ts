import { EmbeddedPostgresError } from '@semel/postgres/embedded'
import { exitCodeOf as exitCodeOfStart, exitCodes } from '@semel/runtime'
import { CommanderError } from 'commander'
import { OperatorError } from './operator-error.ts'

const ofOperator: Readonly<Record<OperatorError['code'], { code: number }>> = {
  usage: exitCodes.usage,
  'not-found': exitCodes.notFound,
  'database-away': exitCodes.database,
  'database-unsuitable': exitCodes.database,
  'topics-unsuitable': exitCodes.database,
}

/** The exit code that tells of an error; undefined where it is a bug, whose stack is wanted. */
export function exitCodeOf(error: unknown): number | undefined {
  // Help was asked for, or is what is shown where a command is missing.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code
  if (error instanceof EmbeddedPostgresError) return exitCodes.database.code
  if (error instanceof OperatorError) return ofOperator[error.code].code
  return exitCodeOfStart(error)
}
