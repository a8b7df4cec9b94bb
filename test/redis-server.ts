import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'vitest'

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
  /** SIGSTOP and SIGCONT: it accepts connections, and answers nothing. */
  freeze(): void
  thaw(): void
}>

/** Tests that need a Redis: skipped where there is none, and failing where that is CI. */
export function describeWithRedis(name: string, body: () => void): void {
  const isInstalled = spawnSync('redis-server', ['--version']).status === 0
  if (isInstalled) return void describe(name, body)
  if (process.env.CI !== 'true') {
    return void describe.skip(`${name} (needs redis-server: apt-get install redis-server)`, body)
  }
  describe(name, () => {
    it('finds redis-server installed', () => {
      throw new Error('CI runs no test without Redis: apt-get install redis-server')
    })
  })
}

/** Starts a Redis on a free port; whoever opens it kills it. */
export async function openRedis(): Promise<RedisServer> {
  const port = await freePort()
  let child = await startRedis(port)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async kill() {
      const exited = child.exitCode === null && child.signalCode === null && once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async start() {
      child = await startRedis(port)
    },
    tell(...words) {
      const { status, stdout, stderr } = spawnSync('redis-cli', ['-p', `${port}`, ...words])
      if (status !== 0) throw new Error(`redis-cli ${words.join(' ')}: ${stderr}${stdout}`)
      return `${stdout}`.trim()
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

/** A port on which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function startRedis(port: number): Promise<ChildProcess> {
  const address = ['--port', `${port}`, '--bind', '127.0.0.1']
  const child = spawn('redis-server', [...address, '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
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
