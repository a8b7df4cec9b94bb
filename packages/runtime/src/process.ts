import { createLifecycle, type Lifecycle, Stopping } from './lifecycle.ts'

/**
 * Runs a process: opens what it is made of, prints what `open` says, and resolves; SIGINT and
 * SIGTERM drain it and end it. `name` begins its lines on stderr.
 *
 * @throws whatever `open` threw; what had been opened is ended again.
 */
export async function runProcess(
  name: string,
  open: (lifecycle: Lifecycle, say: (line: string) => void) => Promise<string>,
): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${name}: ${line}\n`)
  const lifecycle = createLifecycle({ say })
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
