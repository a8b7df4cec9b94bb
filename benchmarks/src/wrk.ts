import { fileURLToPath } from 'node:url'
import type { Driver, Load, Loaded } from './load.ts'
import { findProgram, runProgram } from './program.ts'

const script = fileURLToPath(new URL('create-order.lua', import.meta.url))
const graceMs = 20_000

/** wrk, where it is installed: asks with little effort, so a server comes close to its ceiling. */
export async function findWrk(): Promise<Driver | undefined> {
  const file = await findProgram('wrk')
  return file === undefined ? undefined : { name: 'wrk', run: (load) => runWrk(file, load) }
}

async function runWrk(file: string, load: Load): Promise<Loaded> {
  const { port, connections, seconds, run, keys, isSkewed = false } = load
  // One thread: it suffices for 40,000 requests a second, and two would fight with the server.
  const settings = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script]
  const target = [`http://127.0.0.1:${port}`, '--', run, String(keys), String(isSkewed)]
  return readWrk(await runProgram(file, [...settings, ...target], seconds * 1000 + graceMs))
}

/** Reads the line that `create-order.lua` prints when wrk is done. */
export function readWrk(output: string): Loaded {
  const line = /^result (\{.*\})$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`wrk told no result:\n${output}`)
  const { requests, durationUs, p50Us, p99Us, non2xx, errors } = JSON.parse(line)
  const answered = requests - non2xx
  return {
    rate: answered / (durationUs / 1e6),
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    answered,
    non2xx,
    errors,
  }
}
