/**
 * The system cannot be started. The message is one line that says what is wrong and what to do.
 *
 * Codes: `address-unusable` (HOST and PORT), `database-unreachable` and
 * `database-unsuitable` (DATABASE_URL).
 */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code: 'address-unusable' | 'database-unreachable' | 'database-unsuitable'

  constructor(code: StartError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
