import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Driver, Load, Loaded } from './load.ts'

const child = fileURLToPath(new URL('autocannon-process.ts', import.meta.url))

/** autocannon, from npm: runs everywhere, and needs about as much of a core as what it drives. */
export const autocannonDriver: Driver = { name: 'autocannon', run: runAutocannon }

async function runAutocannon(load: Load): Promise<Loaded> {
  const running = fork(child, [JSON.stringify(load)], { execArgv: [] })
  let loaded: Loaded | undefined
  running.once('message', (message) => {
    loaded = message as Loaded
  })
  const [code] = await once(running, 'exit')
  if (loaded === undefined) throw new Error(`autocannon ended with exit code ${code}`)
  return loaded
}
