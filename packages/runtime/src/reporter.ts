const sameReportEveryMs = 1000

/**
 * Makes the function that tells the operator, whole, what clients are told nothing of. The same
 * message comes at most once a second: a database that is away fails a batch every few
 * milliseconds.
 */
export function createReporter(name: string): (error: unknown) => void {
  const last = { message: '', at: Number.NEGATIVE_INFINITY }
  return (error) => {
    const message = error instanceof Error ? error.message : String(error)
    const at = performance.now()
    if (message === last.message && at - last.at < sameReportEveryMs) return
    Object.assign(last, { message, at })
    console.error(`${name}:`, error)
  }
}
