import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Driver, Load, Loaded } from './load.ts'

/** A load at a rate: request `n`, from 1, is due `(n - 1) / rate` seconds after the start. */
export type PacedLoad = Load & Readonly<{ rate: number }>

/** What came of it, and when it started, in milliseconds since 1970. */
export type PacedLoaded = Loaded & Readonly<{ startedAtMs: number }>

const child = fileURLToPath(new URL('paced-process.ts', import.meta.url))

/**
 * Asks at a rate, whether or not the server keeps up (open loop): a slow server is not asked less,
 * and a request that waits for a connection counts from when it was due.
 */
export function runPaced(load: PacedLoad): Promise<PacedLoaded> {
  return runChild(load)
}

/** The same process in a closed loop, where wrk is not installed: it needs more of a core. */
export const nodeDriver: Driver = { name: 'node', run: (load) => runChild(load) }

async function runChild(load: Load): Promise<PacedLoaded> {
  const running = fork(child, [JSON.stringify(load)], { execArgv: [] })
  let loaded: PacedLoaded | undefined
  running.once('message', (message) => {
    loaded = message as PacedLoaded
  })
  const [code] = await once(running, 'exit')
  if (loaded === undefined) throw new Error(`the load ended with exit code ${code}`)
  return loaded
}
