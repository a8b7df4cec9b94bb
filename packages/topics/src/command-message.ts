import { type Command, guidOf, type Message, makeCommand } from '@semel/commands'
import {
  type AnyCommandContract,
  commandKeyLengthMax,
  type Fault,
  isCommandKey,
} from '@semel/contract'
import type { Received } from './envelope.ts'

/**
 * The message that carries a whole command: under its guid, so that it is one message however often
 * it is sent, in the name of whoever asks, with its input as it was sent.
 *
 * `source` is the service that sends it, `time` when it did. Whoever reads the message takes `time`
 * for the command's `receivedAt`: give that, and both ways decide alike.
 *
 * @throws TypeError when the contract names no topic.
 */
export function commandMessage(
  contract: AnyCommandContract,
  command: Command,
  { source, time }: Readonly<{ source: string; time: Date }>,
): Message {
  if (contract.topic === undefined) {
    throw new TypeError(`${contract.operation} has no topic that could carry it`)
  }
  return {
    ...{ topic: contract.topic, type: contract.operation, source, time, scope: command.scope },
    partitionKey: contract.partitionKey({
      id: command.id,
      input: command.input as object as never,
    }),
    id: guidOf(command),
    commandId: command.id,
    body: { key: command.key, input: command.sent },
    ...(command.traceparent === undefined ? {} : { traceparent: command.traceparent }),
  }
}

/**
 * The command that a message carries: the very one that {@link commandMessage} was given. Its input
 * is not validated; where the body names no command at all, its faults are returned.
 */
export function commandOfMessage(
  contract: AnyCommandContract,
  { body, scope, time, traceparent }: Received,
): Command | readonly Fault[] {
  const { key, input } = (isObject(body) ? body : {}) as { key?: unknown; input?: unknown }
  const faults: Fault[] = []
  if (!isCommandKey(key)) {
    const detail = `must be 1 to ${commandKeyLengthMax} visible ASCII characters`
    faults.push({ pointer: '/key', detail })
  }
  if (!isObject(input)) faults.push({ pointer: '/input', detail: 'must be an object' })
  if (faults.length > 0) return faults
  const asked = { key: key as string, input: input as object, receivedAt: time, traceparent }
  return makeCommand(contract, { scope, ...asked })
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
