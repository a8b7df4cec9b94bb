import { type CommandOf, makeCommand, serviceScope } from '@semel/commands'
import { type AnyOperationContract, isUuid } from '@semel/contract'
import type { Received } from './envelope.ts'

/**
 * Makes the command by which a group reacts to a message: in the name of the service that told it,
 * under a key that names the group and the message. A group reacts to a message once, however often
 * it comes; other groups' reactions are other commands, also in one command log.
 */
export function makeReaction<Contract extends AnyOperationContract>(
  contract: Contract,
  { group, message, input }: Readonly<{ group: string; message: Received; input: object }>,
): CommandOf<Contract> {
  const { source, id, time, traceparent } = message
  const asked = { key: reactionKey(group, id), input, receivedAt: time, traceparent }
  return makeCommand(contract, { scope: serviceScope(source), ...asked })
}

/** The key of a group's reaction to a message; `messageId` in lower case. */
export function reactionKey(group: string, messageId: string): string {
  return `${group}:${messageId}`
}

/** The id of the message that a command reacts to; undefined for a command that is no reaction. */
export function messageReactedTo({
  scope,
  key,
}: Readonly<{ scope: string; key: string }>): string | undefined {
  const id = key.slice(key.indexOf(':') + 1)
  return scope.startsWith('@') && isUuid(id) ? id : undefined
}
