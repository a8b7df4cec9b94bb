// A process with a lifecycle, for signals: prints what it does, line by line. The first argument
// says how its server ends: at once, after a second signal may have come, or never.
import { createLifecycle } from '../src/lifecycle.ts'

const [ending = 'at-once', drainLimitMs = '20000'] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)
const lifecycle = createLifecycle({ say, drainLimitMs: Number(drainLimitMs) })
lifecycle.stopOnSignals()

const alive = setInterval(() => {}, 60_000)
lifecycle.defer('database', async () => {
  clearInterval(alive)
  say('database ended')
})
lifecycle.defer('server', async () => {
  if (ending === 'never') await new Promise(() => {})
  if (ending === 'failing') throw new Error('out of luck')
  // A line on stdin is the last request in flight.
  if (ending === 'on-line') await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  say('server ended')
})
say('started')
