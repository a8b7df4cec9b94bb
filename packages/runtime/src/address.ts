import { once } from 'node:events'
import { createServer, isIPv6 } from 'node:net'
import { StartError } from './start-error.ts'

/** Where the system listens. */
export type Address = Readonly<{ host: string; port: number }>

const startedBy = 'npm start'

/**
 * Checks that an address can be listened on, before anything is started that takes time. `by` is
 * what starts the process, for who is to start it elsewhere.
 *
 * @throws {StartError} `address-unusable`
 */
export async function checkAddress({ host, port }: Address, by = startedBy): Promise<void> {
  const server = createServer()
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (error) {
    throw addressError({ host, port }, error as NodeJS.ErrnoException, by)
  }
  server.close()
  await once(server, 'close')
}

/**
 * Says in one line why an address could not be listened on; `by`: what starts the process,
 * `variables`: what it is told the address by.
 */
export function addressError(
  { host, port }: Address,
  cause: NodeJS.ErrnoException,
  by = startedBy,
  variables = { port: 'PORT', host: 'HOST' },
): StartError {
  const another = `${variables.port}=${port < 1024 ? 8080 : port === 65_535 ? port - 1 : port + 1} ${by}`
  const mended = `set ${variables.host} to one, or leave it out`
  const reasons: Record<string, string> = {
    EADDRINUSE: `is in use by another program; stop that one, or take another port: ${another}`,
    EACCES: `may not be listened on by this user; take another port: ${another}`,
    EADDRNOTAVAIL: `is no address of this machine; ${mended}`,
    ENOTFOUND: `is no address of this machine; ${mended}`,
  }
  const reason = reasons[cause.code ?? ''] ?? `cannot be listened on (${cause.message})`
  return new StartError('address-unusable', `${host}:${port} ${reason}`, { cause })
}

/** The address as users write it; where any of the machine's will do, its own name for itself. */
export function urlOf({ host, port }: Address): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${isIPv6(shown) ? `[${shown}]` : shown}:${port}`
}
