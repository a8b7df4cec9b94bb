/** How a command ended for whoever asked, or `failed`: it alone could not be decided, a bug. */
export type CommandEnd =
  | 'decided'
  | 'replayed'
  | 'reused'
  | 'expired'
  | 'in-flight'
  | 'unavailable'
  | 'failed'

/**
 * Told what an executor does, to be counted. Called amid the work: it is quick, and never throws.
 */
export interface ExecutorObserver {
  /** A command has ended. `carried`: a topic brought it, and nobody waited for the answer. */
  commandEnded(operation: string, end: CommandEnd, carried: boolean): void
  /** A transaction has ended, committed or not, with so many commands in it. */
  batchEnded(commands: number, seconds: number): void
}
