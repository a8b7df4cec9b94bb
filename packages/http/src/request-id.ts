import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const visible = /^[\x21-\x7e]{1,128}$/

/**
 * Names a request for those who look for it in logs: by the `X-Request-Id` that it came with, of 1
 * to 128 visible ASCII characters, or else by a new one. Each answer says it; it is never recorded.
 */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && visible.test(given) ? given : randomUUID()
}
