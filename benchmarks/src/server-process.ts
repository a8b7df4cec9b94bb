import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A server in a process of its own. */
export type ServerProcess = Readonly<{
  port: number
  pid: number
  /** Asks for what it counts, if it counts anything. */
  ask<Counts>(): Promise<Counts>
  stop(): Promise<void>
}>

const startLimitMs = 15_000
const stopLimitMs = 5_000

/** Starts one of this folder's servers, which read their settings from their first argument. */
export async function startServer(file: string, settings: unknown): Promise<ServerProcess> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], { execArgv: [] })
  const exited = once(child, 'exit')
  const started = once(child, 'message', { signal: AbortSignal.timeout(startLimitMs) })
  const [told] = await Promise.race([started, exited.then(() => [undefined])])
  if (told === undefined) throw new Error(`${file} ended with exit code ${child.exitCode}`)
  return {
    port: told.port,
    pid: child.pid!,
    async ask() {
      const answered = once(child, 'message', { signal: AbortSignal.timeout(startLimitMs) })
      child.send('counts')
      return (await answered)[0]
    },
    stop: () => stopServer(child, exited),
  }
}

/**
 * For the server: tells the parent where it listens and, when it asks, what was counted; ends when
 * the parent goes away.
 */
export function tellPort(
  port: number,
  close: () => Promise<unknown>,
  counts: () => unknown = () => ({}),
): void {
  process.on('message', () => process.send!(counts()))
  process.once('disconnect', () => void close().finally(() => process.exit()))
  process.send!({ port })
}

async function stopServer(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
  await exited
  clearTimeout(timer)
}
