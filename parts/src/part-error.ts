/** A part cannot be had or started on this machine; the message says what to do. */
export class PartError extends Error {
  readonly code = 'part-error'
}
