import { exitCodeOf } from './exit-codes.ts'
import { createLifecycle, type Lifecycle, Stopping } from './lifecycle.ts'
import { printable } from './printable.ts'
import type { ServerSettings } from './settings.ts'

type Waiting = Readonly<{ SEMEL_WAIT_SECONDS?: number }>

/**
 * Runs a process: reads what it is told, opens what it is made of, prints what `open` says, and
 * resolves; SIGINT and SIGTERM drain it and end it. Its start may wait SEMEL_WAIT_SECONDS for what
 * may come yet. `name` begins its lines on stderr. What a user can mend is one such line, and the
 * process ends with the exit code that `exitCodeOf` has for it; what had been opened is ended
 * again.
 *
 * @throws whatever else `read` or `open` threw, when what had been opened is ended.
 */
export async function runProcess<Settings extends ServerSettings & Waiting>(
  name: string,
  read: () => Settings,
  open: (settings: Settings, lifecycle: Lifecycle, say: (line: string) => void) => Promise<string>,
): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${name}: ${line}\n`)
  let stop = async (): Promise<unknown> => undefined
  try {
    const settings = read()
    const lifecycle = createLifecycle({ say, waitMs: (settings.SEMEL_WAIT_SECONDS ?? 0) * 1000 })
    lifecycle.stopOnSignals()
    stop = lifecycle.stop
    process.stdout.write(await open(settings, lifecycle, say))
  } catch (error) {
    // The signal that came meanwhile ends the process when all is stopped.
    if (error instanceof Stopping) return
    await stop()
    const code = exitCodeOf(error)
    if (code === undefined) throw error
    process.exitCode = code
    say(printable((error as Error).message))
  }
}
