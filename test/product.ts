import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const checkout = new URL('..', import.meta.url).pathname
const readyWithinMs = 30_000

/** A running product, as a user starts it. */
export type Product = Readonly<{
  url: string
  pid: number
  /** What it has printed so far. */
  output(): string
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): Promise<number | null>
}>

/** Starts the product for one test (`args`: what of it, if not the whole); it is stopped and its data removed at the test's end. */
export async function startProduct(
  env: Record<string, string> = {},
  args?: readonly string[],
): Promise<Product> {
  const { close, ...product } = await openProduct(env, args)
  onTestFinished(close)
  return product
}

/**
 * Starts the product with an environment of its own on a free port, and resolves when it is ready;
 * `args`: what of it, if not the whole.
 * Whoever opens it closes it.
 */
export async function openProduct(
  env: Record<string, string> = {},
  args: readonly string[] = ['start'],
): Promise<Product & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'semel-product-'))
  // As root, PostgreSQL runs as another user, who must get there.
  await chmod(folder, 0o755)
  const { child, output, exited } = spawnProduct({ SEMEL_DATA: join(folder, 'data'), ...env }, args)
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return exited
  }
  const close = async () => {
    await kill('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  }
  const found = addressIn(output).catch(() => undefined)
  const url = await Promise.race([found, exited.then(() => undefined)])
  if (url === undefined) {
    await close()
    throw new Error(`the product did not start:\n${output()}`)
  }
  await until(async () => (await fetch(`${url}/health/ready`)).status === 200)
  return { url, pid: child.pid!, output, stop: () => kill('SIGTERM'), kill, close }
}

/** Starts the product and leaves it to the test what becomes of it. */
export function spawnProduct(
  env: Record<string, string>,
  args: readonly string[] = ['start'],
): {
  child: ChildProcess
  output: () => string
  exited: Promise<number | null>
} {
  const child = spawn(process.execPath, [join(checkout, 'cli/bin/semel.mjs'), ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, output: () => text, exited }
}

/** Waits for something to become true, and says so when it does not. */
export async function until(
  holds: () => Promise<boolean>,
  withinMs = readyWithinMs,
): Promise<void> {
  const deadline = performance.now() + withinMs
  let last: unknown
  while (performance.now() < deadline) {
    try {
      if (await holds()) return
      last = undefined
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`not within ${withinMs} ms`, { cause: last })
}

async function addressIn(output: () => string): Promise<string> {
  const found = () => /http:\/\/[\w.[\]:]+:\d+/.exec(output())?.[0]
  await until(async () => found() !== undefined)
  return found()!
}
