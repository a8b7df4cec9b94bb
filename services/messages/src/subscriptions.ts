import type { Scope } from '@semel/commands'
import { carriable, isCommandKey, type Static, validate } from '@semel/contract'
import { commands } from '@semel/contracts/catalogue'
import { commandTopics, deadLetteredOn, messageAnswered } from '@semel/contracts/messages'
import {
  makeReaction,
  type Reading,
  type Received,
  reactsTo,
  type Subscription,
} from '@semel/topics'
import { requestParked, requestSeen } from './reactions.ts'

const operations = new Set(commands.map(({ operation }) => operation))
const letterBody = deadLetteredOn('order').body
const skip = { kind: 'skip' } as const

/** What the registry reads: requests on their way, how they ended, and those set aside. */
export const subscriptions: readonly Subscription[] = [
  ...commands.flatMap(({ topic, operation }) =>
    topic === undefined ? [] : [{ topic, type: operation, toCommand: readCommandMessage }],
  ),
  reactsTo(messageAnswered),
  ...commandTopics
    .map(deadLetteredOn)
    .map(({ topic, type }) => ({ topic, type, toCommand: deadLetterReader(operations) })),
]

/**
 * A command message, for whichever service: its request is pending. One whose body names no
 * request is skipped: the service that it is for parks it, and its letter comes here.
 */
export function readCommandMessage(message: Received, group: string): Reading {
  const { id, type, scope, body } = message
  const { key, request } = requestIn(body)
  if (!isClient(scope) || key === null || request === null) return skip
  const input = { guid: id, operation: type, key, scope, request }
  return { kind: 'command', command: makeReaction(requestSeen, { group, message, input }) }
}

/**
 * Makes the function that reads dead letters: those of the operations named are parked requests.
 * The registry's own letters are none: what it cannot read, others may well decide.
 */
export function deadLetterReader(operations: ReadonlySet<string>): Subscription['toCommand'] {
  return (message, group) => {
    const faults = validate(letterBody, message.body)
    if (faults.length > 0) return { kind: 'violated', faults }
    const letter = message.body as Static<typeof letterBody>
    const { type: operation } = letter
    const isRequest = letter.group !== group && operations.has(operation)
    if (!isRequest || !isClient(message.scope)) return skip
    const guid = letter.id.toLowerCase()
    const told = { guid, operation, scope: message.scope }
    const input = { ...told, ...requestIn(parsed(letter.body)) }
    return { kind: 'command', command: makeReaction(requestParked, { group, message, input }) }
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
    key: isCommandKey(key) ? key : null,
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
