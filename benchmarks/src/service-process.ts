import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A service alone, by the very file that `npm run service` runs. */
export type ServiceProcess = Readonly<{
  url: string
  port: number
  pid: number
  stop(): Promise<void>
}>

const startLimitMs = 30_000
const stopLimitMs = 10_000

/** Starts a service on a free port and resolves when it says that it is ready. */
export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-4000)
      const url = /is ready at (http:\/\/[^\s,]+[^\s,.])/.exec(said)?.[1]
      if (url !== undefined) resolve(url)
    })
  }
  const failed = (why: string) => reject(new Error(`${name} ${why}:\n${said}`))
  const late = setTimeout(() => failed(`is not ready within ${startLimitMs} ms`), startLimitMs)
  void exited.then(() => failed('ended'))
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    await exited
    clearTimeout(timer)
  }
  try {
    const url = await ready
    return { url, port: Number(new URL(url).port), pid: child.pid!, stop: () => end('SIGTERM') }
  } catch (error) {
    await end('SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
}
