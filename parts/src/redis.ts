import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from './free-port.ts'
import { PartError } from './part-error.ts'

const startWithinMs = 10_000

/** A running Redis that keeps everything in memory. */
export type RedisServer = Readonly<{
  url: string
  port: number
  /** SIGKILL; `start` brings an empty one back on the same port. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Says something to it, by redis-cli: `tell('FLUSHALL')`. */
  tell(...words: readonly string[]): string
  /** Accepts connections and answers nothing, as a machine does that hangs, until `wake`. */
  hang(): void
  wake(): void
}>

/** What a Redis still lacks on this machine, as one line that says how to get it. */
export function whatRedisLacks(): string | undefined {
  const isThere = spawnSync('redis-server', ['--version']).status === 0
  return isThere ? undefined : 'no Redis: apt-get install redis-server'
}

/**
 * Starts a Redis on loopback, without a password; whoever starts it kills it.
 *
 * @param options `port`: by default a free one.
 * @throws {PartError} where there is no `redis-server` on the path.
 */
export async function startRedis(options: Readonly<{ port?: number }> = {}): Promise<RedisServer> {
  const lacks = whatRedisLacks()
  if (lacks !== undefined) throw new PartError(lacks)
  const { port = await freePort() } = options
  let child = await spawnRedis(port)
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async kill() {
      const exited = child.exitCode === null && child.signalCode === null && once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async start() {
      child = await spawnRedis(port)
    },
    tell(...words) {
      const { status, stdout, stderr } = spawnSync('redis-cli', ['-p', `${port}`, ...words])
      if (status !== 0) throw new Error(`redis-cli ${words.join(' ')}: ${stderr}${stdout}`)
      return `${stdout}`.trim()
    },
    hang: () => void child.kill('SIGSTOP'),
    wake: () => void child.kill('SIGCONT'),
  }
}

async function spawnRedis(port: number): Promise<ChildProcess> {
  const address = ['--port', `${port}`, '--bind', '127.0.0.1']
  const child = spawn('redis-server', [...address, '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    detached: true,
  })
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  let output = ''
  const failed = (why: string) => reject(new Error(`redis-server ${why}:\n${output}`))
  const late = setTimeout(() => failed(`is not ready within ${startWithinMs} ms`), startWithinMs)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('Ready to accept connections')) resolve()
  })
  child.on('exit', () => failed('ended'))
  try {
    await ready
    return child
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
}
