import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type Answer, type Refusal, refusalAnswer } from './exchange.ts'
import { expectationFailed, headersTooLarge, invalid, requestTimeout } from './problems.ts'

/** Answers that Node would give by itself, without a word of why: ours are problems like all. */

/**
 * Answers what Node could not read as HTTP, and closes the connection.
 *
 * Where an earlier request of the connection is being executed, nothing is said: the client would
 * take it for the answer to that one.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: current } = socket as Socket & { _httpMessage?: ServerResponse | null }
  const isExecuting = current?.req.complete === true
  if (isExecuting || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const { status, body = '', headers } = closing(unreadable(error.code))
  const fields = Object.entries(headers)
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${body}`)
}

/** Answers a request that expects what nobody here does, and closes: its body may never come. */
export function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, body, headers } = closing({ problem: expectationFailed })
  response.writeHead(status, headers).end(body)
}

/**
 * The answer to a request that does not name the host it is meant for, or names it in two lines
 * (RFC 9112, section 3.2); undefined where it does, and for HTTP/1.0, which knows no host.
 */
export function answerToHost({ headers, httpVersion }: IncomingMessage): Answer | undefined {
  const { host } = headers
  // Lines are joined by a comma and a space, which no name of a host contains.
  if (host === undefined ? httpVersion === '1.0' : !host.includes(', ')) return undefined
  const detail = 'must be given once'
  return closing(invalid([{ in: 'header', pointer: '/Host', detail }]))
}

function closing(refusal: Refusal): Answer {
  const { status, headers, body = '' } = refusalAnswer(refusal)
  const last = {
    'x-content-type-options': 'nosniff',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  return { status, headers: { ...headers, ...last }, body }
}

function unreadable(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return { problem: headersTooLarge }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { problem: requestTimeout }
  return invalid([{ in: 'header', pointer: '', detail: 'is not HTTP' }])
}
