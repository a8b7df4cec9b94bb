import { type Command, makeCommand, type Scope, serviceScope } from '@semel/commands'
import { carriable, type Fault, type Static, validate } from '@semel/contract'
import { deadLettered } from '@semel/contracts/messages'
import { requestParked, requestSeen } from './reactions.ts'

/** A message as a consumer has read it. */
export type ReadMessage = Readonly<{
  id: string
  type: string
  /** The service that told it. */
  source: string
  time: Date
  scope: Scope
  traceparent?: string
  body: unknown
}>

/** What a message comes to for the registry. */
export type Reading =
  | Readonly<{ kind: 'command'; command: Command }>
  | Readonly<{ kind: 'violated'; faults: readonly Fault[] }>
  | Readonly<{ kind: 'skip' }>

const group = 'messages'
const commandKey = /^[\x21-\x7e]{1,300}$/
const letterBody = deadLettered('order').body
const skip = { kind: 'skip' } as const

/**
 * A command message, for whichever service: its request is pending. One whose body names no
 * request is skipped: the service that it is for parks it, and its letter comes here.
 */
export function readCommandMessage(message: ReadMessage): Reading {
  const { id, type, scope, body } = message
  const { key, request } = requestIn(body)
  if (!isClient(scope) || key === null || request === null) return skip
  const input = { guid: id, operation: type, key, scope, request }
  return { kind: 'command', command: commandFrom(requestSeen, message, input) }
}

/**
 * Makes the function that reads dead letters: those of the operations named are parked requests.
 * The registry's own letters are none: what it cannot read, others may well decide.
 */
export function deadLetterReader(
  operations: ReadonlySet<string>,
): (message: ReadMessage) => Reading {
  return (message) => {
    const faults = validate(letterBody, message.body)
    if (faults.length > 0) return { kind: 'violated', faults }
    const letter = message.body as Static<typeof letterBody>
    const { type: operation } = letter
    const isRequest = letter.group !== group && operations.has(operation)
    if (!isRequest || !isClient(message.scope)) return skip
    const guid = letter.id.toLowerCase()
    const told = { guid, operation, scope: message.scope }
    const input = { ...told, ...requestIn(parsed(letter.body)) }
    return { kind: 'command', command: commandFrom(requestParked, message, input) }
  }
}

/** What services ask of each other is registered nowhere: no client would look it up. */
function isClient(scope: Scope): boolean {
  return !scope.startsWith('@')
}

/** Key and input of a command message's body, as far as they are there. */
function requestIn(body: unknown) {
  const { key, input } = (body ?? {}) as { key?: unknown; input?: unknown }
  const isRequest =
    typeof input === 'object' &&
    input !== null &&
    !Array.isArray(input) &&
    carriable(input).length === 0
  return {
    key: typeof key === 'string' && commandKey.test(key) ? key : null,
    request: isRequest ? (input as Record<string, unknown>) : null,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function commandFrom(
  contract: typeof requestSeen | typeof requestParked,
  { source, id, time, traceparent }: ReadMessage,
  input: object,
): Command {
  const trace = traceparent === undefined ? {} : { traceparent }
  const scope = serviceScope(source)
  return makeCommand(contract, { scope, key: id, input, receivedAt: time, ...trace })
}
