import { hash } from 'node:crypto'
import { type AnyOperationContract, type InputOf, normalised } from '@semel/contract'
import { type Fingerprint, fingerprintOf } from './fingerprint.ts'
import type { Scope } from './scope.ts'

declare const commandIdBrand: unique symbol

/** Names a command for ever: a UUID of version 8 (RFC 9562) made from scope, operation and key. */
export type CommandId = string & { readonly [commandIdBrand]: true }

/** A request for one change. */
export type Command<Operation extends string = string, Input = unknown> = Readonly<{
  id: CommandId
  scope: Scope
  operation: Operation
  /** `h:` and the header's key, or `i:` and the id that the client made. */
  key: string
  /** What deciders read: valid, with UUIDs in lower case. */
  input: Input
  /** The input as it was sent: what fingerprints are made of, and what a message carries. */
  sent: object
  fingerprint: Fingerprint
  receivedAt: Date
  /** The W3C trace context that the command came with; what it tells carries it on. */
  traceparent?: string
}>

/** The command that a contract declares. */
export type CommandOf<Contract extends AnyOperationContract> = Contract extends AnyOperationContract
  ? Command<Contract['operation'], InputOf<Contract>>
  : never

/**
 * Makes the command that a caller asks for: computes its id and its fingerprint.
 *
 * `input` is taken as it was sent. It is not validated here: an earlier, laxer release may have
 * decided it, and then its answer is due.
 */
export function makeCommand<Contract extends AnyOperationContract>(
  contract: Contract,
  asked: {
    scope: Scope
    key: string
    input: object
    receivedAt: Date
    traceparent?: string | undefined
  },
): CommandOf<Contract> {
  const { scope, key, input, receivedAt, traceparent } = asked
  return {
    id: commandId(scope, contract.operation, key),
    scope,
    operation: contract.operation,
    key,
    input: normalised(contract.input, input),
    sent: input,
    fingerprint: fingerprintOf(contract.operation, input),
    receivedAt,
    ...(traceparent === undefined ? {} : { traceparent }),
  } as unknown as CommandOf<Contract>
}

/** Whether a command asks for what a fingerprint was made of, under the rule that made it. */
export function sameInput(command: Command, fingerprint: Fingerprint): boolean {
  const own =
    command.fingerprint.version === fingerprint.version
      ? command.fingerprint
      : fingerprintOf(command.operation, command.sent, fingerprint.version)
  return own.hash.equals(fingerprint.hash)
}

/** The identity of a command: who asks, for what, under which key. */
export function commandId(scope: Scope, operation: string, key: string): CommandId {
  return uuid8(scope, operation, key) as CommandId
}

/** The identity of a request: the same key with another body is another guid. */
export function guidOf(command: Pick<Command, 'id' | 'fingerprint'>): string {
  return uuid8(
    command.id,
    String(command.fingerprint.version),
    command.fingerprint.hash.toString('hex'),
  )
}

/**
 * The identity of the n-th message that a decision of a command tells. Where a command was decided,
 * lost with its database and is decided again, the message is another one: whoever read the first
 * would take the second for known, and not answer it.
 */
export function messageId(command: CommandId, index: number, decidedAt: Date): string {
  return uuid8(command, String(index), String(decidedAt.getTime()))
}

/** The identity of the message that tells that a request ended so, however often it is told. */
export function endingId(guid: string, way: 'answered' | 'key-reused' | 'key-expired'): string {
  return uuid8(guid, 'ended', way)
}

/**
 * 128 bits of SHA-256 over the parts, each behind its length, so that no two lists of parts are
 * written alike; six bits give way to version and variant.
 */
function uuid8(...parts: readonly string[]): string {
  const written = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('')
  const hex = hash('sha256', written, 'hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
