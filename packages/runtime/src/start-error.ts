/**
 * The system cannot be started, or be found running. The message is one line that says what is
 * wrong and what to do.
 *
 * Codes: `address-unusable` (HOST and PORT), `database-unreachable` and
 * `database-unsuitable` (DATABASE_URL), `currency-differs` (SEMEL_CURRENCY), `not-running`,
 * `not-migrated` (the tables of this release are not there), `kafka-away` and `kafka-refuses`
 * (KAFKA_*), `topics-unsuitable` (topics in Kafka that are not there, or not as they must be).
 */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code:
    | 'address-unusable'
    | 'currency-differs'
    | 'database-unreachable'
    | 'database-unsuitable'
    | 'kafka-away'
    | 'kafka-refuses'
    | 'not-migrated'
    | 'not-running'
    | 'topics-unsuitable'

  /** What it says is missing may come yet, with no change to what this process was told. */
  readonly mayCome: boolean

  constructor(
    code: StartError['code'],
    message: string,
    options: ErrorOptions & Readonly<{ mayCome?: boolean }> = {},
  ) {
    super(message, options)
    this.code = code
    this.mayCome = options.mayCome ?? false
  }
}
