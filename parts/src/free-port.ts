import { createServer } from 'node:net'
import { PartError } from './part-error.ts'

/**
 * A free port below those that systems give to outgoing connections: nobody takes it by chance
 * until its part does, or while one that was killed is to come back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

/** @throws {PartError} when somebody listens there. */
export async function expectFree(port: number): Promise<void> {
  if (!(await isFree(port))) {
    throw new PartError(`port ${port} of 127.0.0.1 is taken: end what listens there, and try again`)
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
