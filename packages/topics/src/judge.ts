import type { Command } from '@semel/commands'
import type { Fault } from '@semel/contract'
import type { Reason } from './dead-letters.ts'
import { readMessage } from './envelope.ts'
import type { DeclaredType, Subscription } from './subscription.ts'
import type { Delivered } from './transport.ts'

/** What is to be done about a message. */
export type Judged =
  | Readonly<{ kind: 'skip' }>
  /** `faults`: why it is a dead letter if it is to be recalled and nothing is known of it. */
  | Readonly<{ kind: 'command'; command: Command; recall: boolean; faults: string }>
  | Readonly<{ kind: 'park'; reason: Reason; detail: string }>

/**
 * Makes the function that judges a group's messages: each alone, without any look at what came
 * before. A declared type that is not subscribed to is skipped, whatever else is wrong with it.
 *
 * @throws TypeError when two subscriptions are for one type, or one for a type nobody declares.
 */
export function judgeFor(
  group: string,
  subscriptions: readonly Subscription[],
  declared: readonly DeclaredType[],
): (message: Delivered) => Judged {
  const known = new Set(declared.map(named))
  const subscribed = new Map(subscriptions.map((one) => [named(one), one]))
  if (subscribed.size < subscriptions.length) {
    throw new TypeError('two subscriptions are for the same type on the same topic')
  }
  for (const name of subscribed.keys()) {
    if (!known.has(name)) throw new TypeError(`subscribed to a type nobody declares: ${name}`)
  }
  return (message) => {
    const { topic, type } = message
    if (type === undefined) return park('envelope-invalid', 'type is missing')
    const name = named({ topic, type })
    const subscription = subscribed.get(name)
    if (subscription !== undefined) return read(group, subscription, message)
    if (known.has(name)) return { kind: 'skip' }
    return park('type-unknown', `no contract declares ${JSON.stringify(type.slice(0, 100))} here`)
  }
}

/** What an error says, its causes included, for an operator. At most 2,000 characters. */
export function textOf(error: unknown): string {
  const said: string[] = []
  for (let at = error, depth = 0; at !== undefined && depth < 5; depth += 1) {
    said.push(at instanceof Error ? `${at.name}: ${at.message}` : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return said.join('; caused by ').slice(0, 2000)
}

function read(group: string, { toCommand }: Subscription, message: Delivered): Judged {
  const received = readMessage(message)
  if ('reason' in received) return { kind: 'park', ...received }
  try {
    const reading = toCommand(received, group)
    if (reading.kind === 'skip') return reading
    if (reading.kind === 'violated') return park('contract-violated', listed(reading.faults))
    const recall = reading.kind === 'recall'
    const faults = recall ? listed(reading.faults) : ''
    return { kind: 'command', command: reading.command, recall, faults }
  } catch (error) {
    return park('failed', textOf(error))
  }
}

function listed(faults: readonly Fault[]): string {
  return faults
    .map(({ pointer, detail }) => `${pointer} ${detail}`)
    .join('; ')
    .slice(0, 2000)
}

function park(reason: Reason, detail: string): Judged {
  return { kind: 'park', reason, detail }
}

function named({ topic, type }: DeclaredType): string {
  return `${topic}/${type}`
}
