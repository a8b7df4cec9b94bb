import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { freePort } from '@semel/parts/testing'
import { expect, it, onTestFinished } from 'vitest'
import { until } from './product.ts'

const checkout = new URL('..', import.meta.url).pathname
/** How each image runs its service. */
const entrypoints = [
  ...readFileSync(`${checkout}Dockerfile`, 'utf8').matchAll(/^ENTRYPOINT (\[.*services.*\])$/gm),
].map(([, json]) => JSON.parse(json!) as [string, ...string[]])

/** The first process of a container has no default for signals; to be one, `unshare` has to be allowed. */
const asFirst = ['unshare', '--pid', '--fork', '--kill-child']
const mayBeFirst = spawnSync(asFirst[0]!, [...asFirst.slice(1), 'true']).status === 0

/** Says that main.ts is about to be loaded, and goes on when it reads a line; a signal is none. */
const holding = `
  import { readSync, writeSync } from 'node:fs'
  import { registerHooks } from 'node:module'
  function readLine() {
    try {
      readSync(0, Buffer.alloc(1))
    } catch (error) {
      if (error.code !== 'EINTR') throw error
      readLine()
    }
  }
  registerHooks({
    load(url, context, next) {
      if (url.endsWith('/main.ts')) {
        writeSync(2, 'loading\\n')
        readLine()
      }
      return next(url, context)
    },
  })`

it('there is an image for each service', () => expect(entrypoints).toHaveLength(5))

it.each(entrypoints.map((command) => [command.at(-1)!, command]))(
  '%s ends in order when it is told to stop while it loads',
  async (_, command) => {
    const loading = await spawnLoading(command)

    loading.signal('SIGTERM')
    loading.goOn()

    await until(async () => loading.code() !== undefined)
    expect(loading.code()).toBe(0)
    expect(loading.output()).toContain('SIGTERM: stopping')
  },
)

it.skipIf(!mayBeFirst && process.env.CI !== 'true')(
  'a Job that waits ends when it is told to stop, and has not succeeded',
  async () => {
    const job = spawnFirst([process.execPath, 'cli/bin/semel.mjs', 'migrate', '--wait', '3600'], {
      DATABASE_URL: `postgres://me@127.0.0.1:${await freePort()}/shop`,
    })
    await until(async () => /waiting/.test(job.output()))

    job.signal('SIGTERM')

    await until(async () => job.code() !== undefined)
    expect(job.code()).toBe(143)
  },
)

/** A service that would wait for its database for an hour, just before it is loaded. */
async function spawnLoading(command: readonly [string, ...string[]]) {
  const hook = `data:text/javascript,${encodeURIComponent(holding)}`
  const loading = spawnFirst(command, {
    NODE_OPTIONS: `--import=${hook}`,
    DATABASE_URL: `postgres://me@127.0.0.1:${await freePort()}/shop`,
    SEMEL_WAIT_SECONDS: '3600',
  })
  await until(async () => loading.output() === 'loading\n')
  return loading
}

/** A command as the first process, where this machine allows it. */
function spawnFirst(command: readonly string[], variables: NodeJS.ProcessEnv) {
  const [file, ...rest] = [...(mayBeFirst ? asFirst : []), ...command]
  const child = spawn(file!, rest, {
    cwd: checkout,
    env: { PATH: process.env.PATH, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  let code: number | null | undefined
  child.on('exit', (told) => {
    code = told
  })
  return {
    signal: (signal: NodeJS.Signals) => process.kill(pidOf(child), signal),
    goOn: () => child.stdin.write('\n'),
    output: () => output,
    code: () => code,
  }
}

function pidOf({ pid }: ChildProcess): number {
  return mayBeFirst ? Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')) : pid!
}
