/** What can be wrong with the embedded PostgreSQL. Stable: callers and tests may act on them. */
export type EmbeddedPostgresCode =
  | 'platform-not-supported'
  | 'binaries-missing'
  | 'binaries-unusable'
  | 'data-folder-unreachable'
  | 'data-folder-not-ours'
  | 'data-folder-in-use'
  | 'data-folder-of-another-version'
  | 'initdb-failed'
  | 'server-not-started'

/**
 * The embedded PostgreSQL cannot be started. The message is one line that says what is wrong and
 * what to do; `code` says which of the known reasons it is.
 */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
  readonly code: EmbeddedPostgresCode

  constructor(code: EmbeddedPostgresCode, message: string, options?: ErrorOptions) {
    super(message.replaceAll(/\s*\n\s*/g, ' | '), options)
    this.code = code
  }
}
