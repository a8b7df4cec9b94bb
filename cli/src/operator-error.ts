/**
 * An operator's command cannot be done. The message is one line that says what to do.
 *
 * Codes: `usage` (the command line), `not-found` (what was named is not there),
 * `database-unsuitable` (it is not Semel's, or may not be read), `database-away`,
 * `topics-unsuitable`. `exitCodeOf` has the exit code of each.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code:
    | 'usage'
    | 'not-found'
    | 'database-unsuitable'
    | 'database-away'
    | 'topics-unsuitable'

  constructor(code: OperatorError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A fault of the command line: says what was wrong, and what would be right. */
export function usageError(message: string): OperatorError {
  return new OperatorError('usage', message)
}
