import { printable } from '@semel/runtime'
import type { GroupPartition } from '@semel/topics'
import type { CliConfig } from './config.ts'
import { OperatorError, usageError } from './operator-error.ts'
import { counted, jsonOf } from './print.ts'

/** What is asked of a reset. */
export type ResetOptions = Readonly<{
  group: string
  /** Default: all that the group reads. */
  topic?: string
  /** Default: all of the topic. */
  partition?: number
  to: number
  beyondMemory?: true
  yes?: true
  json?: true
}>

/** How far a group has come in a partition. */
export type Known = GroupPartition & Readonly<{ position: number; first?: number; head: number }>

/** A position that is set to another one. */
export type Move = GroupPartition & Readonly<{ from: number; to: number }>

/** Positions where they are kept: in the database of the outbox, or in Kafka. */
export type Positions = Readonly<{
  known(): Promise<readonly Known[]>
  /** The message that would be read first, if it is older than all that is remembered. */
  forgotten(
    at: Known,
    from: number,
    config: CliConfig,
  ): Promise<Readonly<{ position: number; told: string }> | undefined>
  /** Moves what is there, and says what was moved. */
  reset(moves: readonly Move[]): Promise<readonly Move[]>
  /** When the group begins, for people. */
  next: string
}>

/**
 * Lets a group read partitions again from a position, and says what was done.
 *
 * @throws {OperatorError} `not-found`; `usage` where it would lose or repeat more than was allowed,
 * and, with the plan, where nobody has said yes.
 */
export async function resetWith(
  options: ResetOptions,
  config: CliConfig,
  positions: Positions,
): Promise<string> {
  const { group, to } = options
  const meant = meantBy(options, await positions.known())
  refuseBeyondEnd(meant, to)
  if (options.beyondMemory !== true) await refuseBeyondMemory(meant, { to, config, positions })
  const moves = meant.map(({ topic, partition, position: from, first = 0 }) => {
    return { group, topic, partition, from, to: Math.max(to, first) }
  })
  if (options.yes !== true) throw usageError(`${planOf(moves)} Add --yes to do it`)
  const done = await positions.reset(moves)
  if (options.json === true) return jsonOf(done)
  const lines = done.map(
    ({ topic, partition, from, to }) =>
      `${group} reads ${topic}/${partition} from ${to} (was ${from}).`,
  )
  const { next } = positions
  return (
    `${lines.map(printable).join('\n')}\n${next} messages that were\n` +
    'decided before change nothing. Look at: semel topics\n'
  )
}

/** The partitions that options mean. */
function meantBy(
  { group, topic, partition }: ResetOptions,
  known: readonly Known[],
): readonly Known[] {
  const ofGroup = known.filter((one) => one.group === group)
  if (ofGroup.length === 0)
    throw unknown(
      'group',
      group,
      known.map((one) => one.group),
    )
  if (topic === undefined && partition !== undefined) {
    throw usageError('--partition is one of a topic: add --topic')
  }
  if (topic === undefined) return ofGroup
  const ofTopic = ofGroup.filter((one) => one.topic === topic)
  if (ofTopic.length === 0) {
    throw unknown(
      `topic of ${group}`,
      topic,
      ofGroup.map((one) => one.topic),
    )
  }
  if (partition === undefined) return ofTopic
  const meant = ofTopic.filter((one) => one.partition === partition)
  if (meant.length > 0) return meant
  throw unknown(
    `partition of ${topic}`,
    partition,
    ofTopic.map((one) => one.partition),
  )
}

function refuseBeyondEnd(meant: readonly Known[], to: number): void {
  const short = meant.filter(({ head }) => head < to)
  if (short.length === 0) return
  const ends = short.map(({ topic, partition, head }) => `${topic}/${partition} ends at ${head}`)
  throw usageError(`there is no position ${to}: ${ends.join(', ')}; nothing was changed`)
}

async function refuseBeyondMemory(
  meant: readonly Known[],
  { to, config, positions }: { to: number; config: CliConfig; positions: Positions },
): Promise<void> {
  for (const at of meant) {
    const { topic, partition, position, first = 0 } = at
    if (to >= position) continue
    const forgotten = await positions.forgotten(at, Math.max(to, first), config)
    if (forgotten === undefined) continue
    throw usageError(
      `${topic}/${partition} at ${forgotten.position} was told ${forgotten.told}, ` +
        'and commands of that time are forgotten ' +
        `(SEMEL_REMEMBERED_DAYS is ${config.SEMEL_REMEMBERED_DAYS}): what was refused then could be ` +
        'done now. Reset to a later position, or add --beyond-memory; nothing was changed',
    )
  }
}

function planOf(moves: readonly Move[]): string {
  const told = moves.map(({ topic, partition, from, to }) => {
    const again = counted(Math.abs(from - to), 'message')
    const effect = to > from ? `skip ${again} for good` : `read ${again} again`
    return `${topic}/${partition} from ${from} to ${to} (${effect})`
  })
  return `this would move ${moves[0]?.group} at ${told.join(', ')}.`
}

function unknown(
  what: string,
  given: string | number,
  known: readonly (string | number)[],
): OperatorError {
  const list = [...new Set(known)].join(', ') || 'none: no group has read anything yet'
  return new OperatorError('not-found', `there is no ${what} ${given} (known are ${list})`)
}
