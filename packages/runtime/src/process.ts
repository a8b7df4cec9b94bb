import { createLifecycle, type Lifecycle, Stopping } from './lifecycle.ts'

/**
 * Runs a process: opens what it is made of, prints what `open` says, and resolves; SIGINT and
 * SIGTERM drain it and end it. `name` begins its lines on stderr, `waitMs` is how long its start
 * may wait for what may come yet, in milliseconds.
 *
 * @throws whatever `open` threw; what had been opened is ended again.
 */
export async function runProcess(
  name: string,
  open: (lifecycle: Lifecycle, say: (line: string) => void) => Promise<string>,
  { waitMs = 0 }: Readonly<{ waitMs?: number }> = {},
): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${name}: ${line}\n`)
  const lifecycle = createLifecycle({ say, waitMs })
  lifecycle.stopOnSignals()
  try {
    process.stdout.write(await open(lifecycle, say))
  } catch (error) {
    // The signal that came meanwhile ends the process when all is stopped.
    if (error instanceof Stopping) return
    await lifecycle.stop()
    throw error
  }
}
