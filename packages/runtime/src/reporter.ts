const sameReportEveryMs = 1000

/**
 * Makes the function that tells the operator what clients are told nothing of. Where the error and
 * all its causes have codes, it is no bug but what the world does, and one line; else it is told
 * whole, with its stack. The same message comes at most once a second: with its database away, a
 * service fails a batch every few milliseconds.
 */
export function createReporter(name: string): (error: unknown) => void {
  const last = { message: '', at: Number.NEGATIVE_INFINITY }
  return (error) => {
    const message = error instanceof Error ? error.message : String(error)
    const at = performance.now()
    if (message === last.message && at - last.at < sameReportEveryMs) return
    Object.assign(last, { message, at })
    console.error(`${name}:`, lineOf(error) ?? error)
  }
}

function lineOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const cause = error instanceof AggregateError ? error.errors[0] : error.cause
  if (cause === undefined) return error.message
  const why = lineOf(cause)
  if (why === undefined) return undefined
  return error.message.includes(why) ? error.message : `${error.message}: ${why}`
}
