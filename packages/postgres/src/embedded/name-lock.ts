import { hash } from 'node:crypto'
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { createServer } from 'node:net'

/**
 * Takes a lock that the kernel gives to one process and takes back when that process ends, however
 * it ends: a socket in Linux's abstract namespace, named after the folder. Undefined if somebody
 * has it. A file cannot do this: of many that find a dead owner's, two may both remove it.
 *
 * Elsewhere than on Linux there is no such namespace, and everybody gets the lock.
 *
 * @returns what gives the lock back.
 */
export async function lockName(folder: string): Promise<(() => Promise<void>) | undefined> {
  if (process.platform !== 'linux') return async () => {}
  const name = hash('sha256', await realpath(folder), 'hex')
  const server = createServer((socket) => socket.destroy()).unref()
  server.listen({ path: `\0semel-data-${name}`, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return undefined
  }
  return async () => {
    server.close()
    await once(server, 'close')
  }
}
