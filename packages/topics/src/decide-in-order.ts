import { type CarriedOutcome, type Executor, type Hold, Unavailable } from '@semel/commands'
import { cleanText, letterId, type Reason, type Standing } from './dead-letters.ts'
import { type Judged, textOf } from './judge.ts'
import type { Delivered } from './transport.ts'

/**
 * What became of a message. `known`: it was decided before. `aside`: it is a letter, or was one,
 * and nothing is done about it now.
 * `parked`: it is to be; nothing has been written down about it.
 * `behindStored`: because a letter stands in its way.
 */
export type Fate =
  | Readonly<{ kind: 'decided' | 'known' | 'skipped' | 'aside' }>
  | Readonly<{ kind: 'parked'; reason: Reason; detail: string; behindStored: boolean }>

/** A message, and what is to be done about it by itself. */
export type JudgedMessage = Readonly<{ message: Delivered; judged: Judged }>

type Submitted = Extract<Judged, { kind: 'command' }> & Readonly<{ partitionKey: string }>

const skipped: Fate = { kind: 'skipped' }
const nothing: Standing = { fronts: new Map(), known: new Set(), redriveWanted: false }

/**
 * Has messages decided in their order, by one submission to the executor. What cannot be decided is
 * to be parked, and so is every command that follows it under its partition key and was not decided
 * before. `standing`: what stands in the way besides, read in the transactions that decide.
 *
 * @throws {Unavailable} when any of them could not be decided now: all of them are to come again.
 */
export async function decideInOrder<Tx>(
  executor: Pick<Executor<Tx>, 'submitCarried'>,
  messages: readonly JudgedMessage[],
  standing: (tx: Tx) => Promise<Standing> = async () => nothing,
): Promise<readonly Fate[]> {
  const submitted = new Map(
    messages.flatMap((one) =>
      one.judged.kind === 'command'
        ? [[one, { ...one.judged, partitionKey: one.message.partitionKey }] as const]
        : [],
    ),
  )
  const carried = [...submitted.values()]
  const outcomes =
    carried.length === 0
      ? []
      : await executor.submitCarried(carried, async (tx) =>
          holdsOf(messages, submitted, await standing(tx)),
        )
  if (outcomes.some(({ kind }) => kind === 'unavailable')) {
    throw new Unavailable('unknown', new Error('some commands could not be decided'))
  }
  const fates = new Map(carried.map((one, index) => [one, fateOf(one, outcomes[index]!)]))
  return messages.map((one) => {
    if (one.judged.kind === 'park') return parked(one.judged.reason, one.judged.detail)
    return fates.get(submitted.get(one)!) ?? skipped
  })
}

/** Which messages are not to be decided now, in the light of what is parked. */
function holdsOf(
  messages: readonly JudgedMessage[],
  submitted: ReadonlyMap<JudgedMessage, Submitted>,
  { fronts, known }: Standing,
): ReadonlyMap<Submitted, Hold> {
  const holds = new Map<Submitted, Hold>()
  const blocked = new Set<string>()
  for (const one of messages) {
    const { message, judged } = one
    const { partitionKey, position } = message
    const isAside = known.has(letterId(message))
    const isHeld = position > (fronts.get(partitionKey) ?? Number.POSITIVE_INFINITY)
    const command = submitted.get(one)
    if (command === undefined) {
      if (judged.kind === 'park' && !isAside) blocked.add(partitionKey)
    } else if (isAside) holds.set(command, 'aside')
    else if (isHeld) holds.set(command, 'held')
    else if (blocked.has(partitionKey)) holds.set(command, 'behind')
  }
  return holds
}

function fateOf({ faults }: Submitted, outcome: CarriedOutcome): Fate {
  switch (outcome.kind) {
    case 'undecided':
      return parked('contract-violated', faults)
    case 'failed':
      return parked('failed', textOf(outcome.error))
    case 'behind':
    case 'held':
      return parked('behind-parked', '', outcome.kind === 'held')
    case 'unavailable':
      throw new TypeError('what was not decided has no fate')
    default:
      return { kind: outcome.kind }
  }
}

function parked(reason: Reason, detail: string, behindStored = false): Fate {
  return { kind: 'parked', reason, detail: cleanText(detail), behindStored }
}
