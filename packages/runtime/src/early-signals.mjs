// To be loaded before all else: node --import @semel/runtime/early-signals. A service loads for
// half a second before its lifecycle listens, and the first process of a container has no default
// for signals: what comes meanwhile would be lost, and the process killed when its time is over.
// Plain JavaScript, for what strips types takes its time, too.

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Whoever listens as well has something to end, and ends the process.
    if (process.listenerCount(signal) > 1) return
    process.stderr.write(`${signal}: stopping, before anything was begun\n`)
    process.exit(0)
  })
}
