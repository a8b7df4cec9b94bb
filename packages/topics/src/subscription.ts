import { type Command, mayAsk } from '@semel/commands'
import {
  type AnyCommandContract,
  type AnyEventContract,
  type Fault,
  normalised,
  onlyDeclared,
  reaction,
  validate,
} from '@semel/contract'
import { commandOfMessage, isObject } from './command-message.ts'
import type { Received } from './envelope.ts'
import { makeReaction } from './reaction.ts'

/** What a message comes to for a group. */
export type Reading =
  /** A command to be decided. */
  | Readonly<{ kind: 'command'; command: Command }>
  /**
   * A command that today's contract does not allow. An earlier, laxer release may have decided it:
   * it is looked up, and is a dead letter only if nothing is known of it.
   */
  | Readonly<{ kind: 'recall'; command: Command; faults: readonly Fault[] }>
  /** Nothing that could be a command: a dead letter. */
  | Readonly<{ kind: 'violated'; faults: readonly Fault[] }>
  /** Nothing to be done about this one. */
  | Readonly<{ kind: 'skip' }>

/** What a group does about the messages of one type on one topic; see `carries`, `reactsTo`. */
export type Subscription = Readonly<{
  topic: string
  type: string
  /**
   * Pure. What it throws makes the message a dead letter, as a decider's exception does. `group`:
   * who reads, for a command that is this reader's own; see `makeReaction`.
   */
  toCommand: (message: Received, group: string) => Reading
}>

/** The contracts whose messages topics carry. */
export type Catalogue = Readonly<{
  commands?: readonly AnyCommandContract[]
  events?: readonly AnyEventContract[]
}>

/** A type of message on a topic. */
export type DeclaredType = Readonly<{ topic: string; type: string }>

/**
 * Subscribes to the messages that carry a command: it is submitted as exactly the command it is,
 * one with whatever came under its scope, operation and key by any other way.
 *
 * @throws TypeError when the contract names no topic.
 */
export function carries(contract: AnyCommandContract): Subscription {
  const { topic, operation } = contract
  if (topic === undefined) throw new TypeError(`${operation} has no topic that could carry it`)
  return {
    topic,
    type: operation,
    toCommand(message) {
      const command = commandOfMessage(contract, message)
      if (isFaults(command)) return { kind: 'violated', faults: command }
      const faults = [
        ...validate(contract.input, command.sent),
        ...versionFaults(contract, command),
        ...callerFaults(command),
      ]
      return faults.length === 0
        ? { kind: 'command', command }
        : { kind: 'recall', command, faults: faults.map(inInput) }
    },
  }
}

/**
 * Subscribes to an event: it becomes a command of the group's own, with the event's type as
 * operation, so that it takes effect once for each group; see `makeReaction`. The decider gets the
 * members that the event declares; its executor needs the contract `reaction(event)`.
 */
export function reactsTo(event: AnyEventContract): Subscription {
  const contract = reaction(event)
  return {
    topic: event.topic,
    type: event.type,
    toCommand(message, group) {
      const { body } = message
      const faults = validate(event.body, body)
      if (!isObject(body)) return { kind: 'violated', faults }
      const command = makeReaction(contract, { group, message, input: body })
      if (faults.length > 0) return { kind: 'recall', command, faults }
      const input = normalised(event.body, onlyDeclared(event.body, body) as object)
      return { kind: 'command', command: { ...command, input } }
    },
  }
}

/** Every type that some contract declares, on its topic: what is none of them is a dead letter. */
export function declaredTypes({ commands = [], events = [] }: Catalogue): readonly DeclaredType[] {
  return [
    ...commands.flatMap(({ topic, operation }) =>
      topic === undefined ? [] : [{ topic, type: operation }],
    ),
    ...events.map(({ topic, type }) => ({ topic, type })),
  ]
}

/** What the edge of HTTP asks for in headers or body, and the schema cannot say. */
function versionFaults({ requiresVersion }: AnyCommandContract, { sent }: Command): Fault[] {
  const { version, ifMatch } = sent as { version?: unknown; ifMatch?: unknown }
  if (!requiresVersion || version !== undefined || ifMatch !== undefined) return []
  return [{ pointer: '/version', detail: 'is required, here or in ifMatch' }]
}

/** Also of a message that was forged: nobody asks for others. */
function callerFaults(command: Command): Fault[] {
  return mayAsk(command) ? [] : [{ pointer: '/userId', detail: 'is not whom the scope stands for' }]
}

function inInput({ pointer, detail }: Fault): Fault {
  return { pointer: `/input${pointer}`, detail }
}

function isFaults(found: Command | readonly Fault[]): found is readonly Fault[] {
  return Array.isArray(found)
}
