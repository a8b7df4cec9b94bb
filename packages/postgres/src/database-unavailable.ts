/**
 * The database could not do what it was asked: it is away, or has trouble of its own. `effect`
 * tells whether nothing was changed, or whether that is not known: a COMMIT was sent, and what
 * became of it could not be learnt. Code `unavailable`. To be tried again.
 */
export class DatabaseUnavailable extends Error {
  readonly code = 'unavailable'
  readonly effect: 'none' | 'unknown'

  constructor(effect: 'none' | 'unknown', cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.effect = effect
  }
}
