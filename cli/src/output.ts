import { exitCodes } from '@semel/runtime'

/**
 * Lets a process outlive its output. Where nobody reads it any more (`semel topics | head -1`) it
 * ends quietly, with the code that shells show of programs that SIGPIPE ends; where it cannot be
 * written (a full disk) it says so in a line. What was to be done is done by then, and a system
 * that was started goes on.
 */
export function surviveOutput({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): void {
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    const isUnread = code === 'EPIPE'
    process.exitCode = (isUnread ? exitCodes.unread : exitCodes.failed).code
    if (!isUnread) {
      stderr.write(`semel: the output cannot be written (${message}); what was asked was done\n`)
    }
  })
  // There is nobody left to be told.
  stderr.on('error', () => {})
}
