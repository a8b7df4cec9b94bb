import { isTraceparent, type Message, parseScope, type Scope, serviceScope } from '@semel/commands'
import { carriable, isUuid } from '@semel/contract'
import type { Delivered } from './transport.ts'

/** A body is at most as large as this, in bytes of UTF-8: 1 MiB. */
export const bodyBytesMax = 1024 * 1024

/** A message whose envelope is whole and whose body is JSON that can be carried on unchanged. */
export type Received = Readonly<{
  topic: string
  partitionKey: string
  /** In lower case. */
  id: string
  type: string
  /** The service that told it. */
  source: string
  time: Date
  scope: Scope
  traceparent?: string
  body: unknown
}>

/** A message's body is larger than readers take: it is not sent. Code `message-too-large`. */
export class MessageTooLarge extends Error {
  readonly code = 'message-too-large'
}

/** What keeps a message from being read. */
export type Unreadable = Readonly<{
  reason: 'envelope-invalid' | 'too-large' | 'not-json' | 'contract-violated'
  detail: string
}>

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
/** Without blanks, line breaks and what text columns cannot hold. */
const attribute = /^[\x21-\x7e]{1,1024}$/

/** The scope and the trace that a message names, where they are well formed. */
export function originOf({ scope, traceparent }: Pick<Delivered, 'scope' | 'traceparent'>): {
  scope?: Scope
  traceparent?: string
} {
  return {
    ...(isAttribute(scope) && isReadBy(parseScope, scope) ? { scope: parseScope(scope) } : {}),
    ...(isTraceparent(traceparent) ? { traceparent } : {}),
  }
}

/**
 * A message's body as it is sent.
 *
 * @throws {MessageTooLarge} Every reader would park it, after its effect is committed.
 */
export function bodyText({ topic, type, body }: Pick<Message, 'topic' | 'type' | 'body'>): string {
  const text = JSON.stringify(body)
  // A UTF-16 unit is at most three bytes of UTF-8: most bodies need not be counted.
  const bytes = text.length * 3 > bodyBytesMax ? Buffer.byteLength(text) : 0
  if (bytes > bodyBytesMax) {
    throw new MessageTooLarge(`${type} on ${topic} is of ${bytes} bytes, at most ${bodyBytesMax}`)
  }
  return text
}

/** Reads a message: its envelope first, then its body. A trace that is none is left out. */
export function readMessage(message: Delivered): Received | Unreadable {
  const { id, type, source, time } = message
  const { scope, ...trace } = originOf(message)
  if (!isUuid(id)) return invalid('id', id)
  if (!isAttribute(type)) return invalid('type', type)
  if (!isAttribute(source) || !isReadBy(serviceScope, source)) return invalid('source', source)
  if (scope === undefined) return invalid('scope', message.scope)
  if (time === undefined || !moment.test(time) || Number.isNaN(Date.parse(time))) {
    return invalid('time', time)
  }
  const body = readBody(message.body)
  if ('reason' in body) return body
  return {
    ...{ topic: message.topic, partitionKey: message.partitionKey, type, source },
    id: id.toLowerCase(),
    time: new Date(time),
    scope,
    body: body.value,
    ...trace,
  }
}

function readBody(text: string): { value: unknown } | Unreadable {
  const bytes = Buffer.byteLength(text)
  if (bytes > bodyBytesMax) {
    return { reason: 'too-large', detail: `${bytes} bytes; at most ${bodyBytesMax} are read` }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { reason: 'not-json', detail: (error as SyntaxError).message }
  }
  const [fault] = carriable(value)
  if (fault === undefined) return { value }
  return { reason: 'contract-violated', detail: `${fault.pointer} ${fault.detail}` }
}

function isAttribute(text: string | undefined): text is string {
  return text !== undefined && attribute.test(text)
}

function isReadBy(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

function invalid(name: string, found: string | undefined): Unreadable {
  const detail =
    found === undefined
      ? `${name} is missing`
      : `${name} is malformed: ${JSON.stringify(found.slice(0, 100))}`
  return { reason: 'envelope-invalid', detail }
}
