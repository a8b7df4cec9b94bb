import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PartError } from './part-error.ts'

/** A mail that was taken: whom it goes to, and what its headers and its text say. */
export type Mail = Readonly<{
  to: readonly string[]
  id: string
  from: string
  subject: string
  body: string
}>

/** A mail server that delivers nothing, and keeps what it took. */
export type MailServer = Readonly<{
  url: string
  port: number
  mails: readonly Mail[]
  /** SIGKILL. */
  kill(): Promise<void>
}>

/** What a mail server still lacks on this machine, as one line that says how to get it. */
export function whatSmtpLacks(): string | undefined {
  try {
    import.meta.resolve('smtp-server')
    return undefined
  } catch {
    return 'no SMTP server: npm ci, with development dependencies'
  }
}

/**
 * Starts a mail server in a process of its own, on loopback, without a password. It knows no
 * `nobody@`, and has no room for `full@` the first time.
 *
 * @param options `port`: by default a free one; `onMail` hears of each mail that was taken.
 * @throws {PartError} where there is no `smtp-server`, or it cannot listen.
 */
export async function startSmtp(
  options: Readonly<{ port?: number; onMail?: (mail: Mail) => void }> = {},
): Promise<MailServer> {
  const lacks = whatSmtpLacks()
  if (lacks !== undefined) throw new PartError(lacks)
  const { port: wanted = 0, onMail = () => {} } = options
  const file = fileURLToPath(new URL('./smtp-process.ts', import.meta.url))
  const child = spawn(process.execPath, [file, String(wanted)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  process.once('exit', () => child.kill('SIGKILL'))
  const mails: Mail[] = []
  const exited = once(child, 'exit')
  const listening = Promise.withResolvers<number>()
  void exited.then(() => listening.reject(new PartError('the SMTP server ended')))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said: Mail | { port: number } = JSON.parse(line)
    if ('port' in said) return listening.resolve(said.port)
    mails.push(said)
    onMail(said)
  })
  const port = await listening.promise
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    mails,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
