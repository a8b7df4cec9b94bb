import { type CarriedOutcome, type Executor, Unavailable } from '@semel/commands'
import { cleanText, type Reason } from './dead-letters.ts'
import { type Judged, textOf } from './judge.ts'
import type { Delivered } from './transport.ts'

/** What became of a message. `parked`: it is to be; nothing has been written down about it. */
export type Fate =
  | Readonly<{ kind: 'done' }>
  | Readonly<{ kind: 'parked'; reason: Reason; detail: string }>

/** A message, and what is to be done about it by itself. */
export type JudgedMessage = Readonly<{ message: Delivered; judged: Judged }>

const done: Fate = { kind: 'done' }
const behind: Fate = parked('behind-parked', '')

/**
 * Has messages decided in their order, by one submission to the executor. What cannot be decided is
 * to be parked, and so is every command that follows it under its partition key. `isHeld`: another
 * message stands in the way already.
 *
 * @throws {Unavailable} when any of them could not be decided now: all of them are to come again.
 */
export async function decideInOrder(
  executor: Pick<Executor, 'submitCarried'>,
  messages: readonly JudgedMessage[],
  isHeld: (message: Delivered) => boolean,
): Promise<readonly Fate[]> {
  const blocked = new Set<string>()
  const planned = messages.map(({ message, judged }): Fate | Submitted => {
    if (judged.kind === 'skip') return done
    const { partitionKey } = message
    if (judged.kind === 'park') {
      blocked.add(partitionKey)
      return parked(judged.reason, judged.detail)
    }
    if (blocked.has(partitionKey) || isHeld(message)) return behind
    return { ...judged, partitionKey }
  })
  const submitted = planned.filter(({ kind }) => kind === 'command') as Submitted[]
  const outcomes = submitted.length === 0 ? [] : await executor.submitCarried(submitted)
  if (outcomes.some(({ kind }) => kind === 'unavailable')) {
    throw new Unavailable('unknown', new Error('some commands could not be decided'))
  }
  const ends = new Map(submitted.map((one, index) => [one, fateOf(one, outcomes[index]!)]))
  return planned.map((one) => (one.kind === 'command' ? ends.get(one)! : one))
}

type Submitted = Extract<Judged, { kind: 'command' }> & Readonly<{ partitionKey: string }>

function fateOf({ faults }: Submitted, outcome: CarriedOutcome): Fate {
  switch (outcome.kind) {
    case 'undecided':
      return parked('contract-violated', faults)
    case 'failed':
      return parked('failed', textOf(outcome.error))
    case 'behind-failed':
      return behind
    default:
      return done
  }
}

function parked(reason: Reason, detail: string): Fate {
  return { kind: 'parked', reason, detail: cleanText(detail) }
}
