import type { Pool } from '@semel/postgres'
import { retentionOf } from '@semel/runtime'
import { findForgotten, listPositions, type Position, resetPosition } from '@semel/topics'
import type { Command } from 'commander'
import { declareShowing, howMany, wholeNumber } from './command-line.ts'
import type { CliConfig } from './config.ts'
import { operate } from './operate.ts'
import { OperatorError, usageError } from './operator-error.ts'
import { counted, jsonOf, printable, tableOf } from './print.ts'

type ResetOptions = Readonly<{
  group: string
  topic: string
  partition?: number
  to: number
  beyondMemory?: true
  yes?: true
  json?: true
}>

/** Declares `semel topics`, `semel topics create` and `semel topics reset`. */
export function declareTopics(program: Command): void {
  const topics = declareShowing(program, 'topics', {
    does: 'show how far every group has read every partition, and how far behind it is',
    examples: [
      ['semel topics', 'positions, heads and lag'],
      ['semel topics --json', 'the same for programs'],
      ['semel topics reset --group orders --topic order --to 0 --yes', 'let orders read all again'],
    ],
  })
  topics.action(({ json }: { json?: true }) => operate((pool) => showTopics(pool, json === true)))
  declareShowing(topics, 'create', {
    does: 'make the topics in the Kafka of KAFKA_BROKERS that are not there yet',
    examples: [
      ['KAFKA_BROKERS=localhost:9092 semel topics create', 'on one broker'],
      ['SEMEL_PARTITIONS=6 semel topics create --replication 3', 'for a cluster'],
    ],
    more:
      '\nSEMEL_PARTITIONS says how many partitions each gets, SEMEL_KEPT_DAYS how long it keeps\n' +
      'messages. What is there is compared and never altered: partitions that differ are told,\n' +
      'settings that would lose or repeat messages are an error.\n',
  })
    .option('--replication <count>', 'on how many brokers each partition is', howMany, 1)
    .action(async (_: object, command: Command) => {
      const { replication, json } = command.optsWithGlobals<{ replication: number; json?: true }>()
      // The client of Kafka, which no other command needs.
      const { createTopicsInKafka } = await import('./topics-create.ts')
      const shown = await createTopicsInKafka(process.env, { replication, json: json === true })
      process.stdout.write(shown)
    })
  declareShowing(topics, 'reset', {
    does: 'let a group read a topic again from a position, while it runs',
    examples: [
      ['semel topics reset --group orders --topic order --to 0 --yes', 'from the start'],
      [
        'semel topics reset --group billing --topic billing --partition 2 --to 100 --yes',
        'one partition',
      ],
    ],
    more:
      '\nWhat was decided stays decided: messages that are read again change nothing. A\n' +
      'position beyond the one that the group has come to skips messages for good; "semel\n' +
      'check" finds them.\n' +
      '\nWhere messages would be read again that are older than what the command log\n' +
      'remembers, it is refused: what was accepted is known for ever by the tables of its\n' +
      'service, but a command that was refused would be decided anew, and might be done by\n' +
      'now. --beyond-memory does it all the same.\n',
  })
    .requiredOption('--group <group>', 'the group that is to read again')
    .requiredOption('--topic <topic>', 'the topic')
    .option('--partition <number>', 'one partition (default: all of the topic)', wholeNumber)
    .requiredOption(
      '--to <position>',
      'the position to read next, at most that of the end',
      wholeNumber,
    )
    .option('--beyond-memory', 'also where refusals have been forgotten')
    .option('--yes', 'really do it')
    // The parent has --json too, and would take it for itself.
    .action((_: object, command: Command) => {
      const options = command.optsWithGlobals() as ResetOptions
      return operate((pool, config) => reset(pool, options, config))
    })
}

async function showTopics(pool: Pool, json: boolean): Promise<string> {
  const positions = await listPositions(pool)
  if (json) return jsonOf(positions)
  return tableOf(
    ['group', 'topic', 'partition', 'position', 'head', 'lag'],
    positions.map(({ group, topic, partition, position, head, lag }) => {
      return [group, topic, partition, position, head, lag]
    }),
    'No group has read any topic yet.',
  )
}

async function reset(pool: Pool, options: ResetOptions, config: CliConfig): Promise<string> {
  const { group, topic, to, yes, json } = options
  const known = await listPositions(pool)
  const meant = meantBy(options, known)
  refuseBeyondEnd(meant, to)
  if (options.beyondMemory !== true) await refuseBeyondMemory(pool, { meant, to, config })
  if (yes !== true) throw usageError(`${planOf(meant, to)} Add --yes to do it`)
  const done = []
  for (const { partition, position: from } of meant) {
    const place = await resetPosition(pool, { group, topic, partition, to })
    if (place !== undefined) done.push({ group, topic, partition, from, to: place.position })
  }
  if (json === true) return jsonOf(done)
  const lines = done.map(
    ({ partition, from, to }) => `${group} reads ${topic}/${partition} from ${to} (was ${from}).`,
  )
  const next =
    'It begins within a second or so if it runs, else when it is started; messages that were\n' +
    'decided before change nothing. Look at: semel topics'
  return `${lines.map(printable).join('\n')}\n${next}\n`
}

/** The partitions that options mean. One that the group has yet to discover has no position. */
function meantBy(
  { group, topic, partition }: ResetOptions,
  known: readonly Position[],
): readonly Position[] {
  const ofGroup = known.filter((one) => one.group === group)
  if (ofGroup.length === 0)
    throw unknown(
      'group',
      group,
      known.map((one) => one.group),
    )
  const ofTopic = ofGroup.filter((one) => one.topic === topic && one.generation > 0)
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

function refuseBeyondEnd(meant: readonly Position[], to: number): void {
  const short = meant.filter(({ head }) => head < to)
  if (short.length === 0) return
  const ends = short.map(({ topic, partition, head }) => `${topic}/${partition} ends at ${head}`)
  throw usageError(`there is no position ${to}: ${ends.join(', ')}; nothing was changed`)
}

async function refuseBeyondMemory(
  pool: Pool,
  { meant, to, config }: { meant: readonly Position[]; to: number; config: CliConfig },
): Promise<void> {
  const before = new Date(Date.now() - retentionOf(config).rememberedMs)
  for (const { topic, partition, position } of meant) {
    if (to >= position) continue
    const forgotten = await findForgotten(pool, { topic, partition, from: to, before })
    if (forgotten === undefined) continue
    throw usageError(
      `${topic}/${partition} at ${forgotten.position} was told on ${forgotten.time.toISOString()}, ` +
        'and commands of that time are forgotten ' +
        `(SEMEL_REMEMBERED_DAYS is ${config.SEMEL_REMEMBERED_DAYS}): what was refused then could be ` +
        'done now. Reset to a later position, or add --beyond-memory; nothing was changed',
    )
  }
}

function planOf(meant: readonly Position[], to: number): string {
  const moves = meant.map(({ topic, partition, position }) => {
    const again = counted(Math.abs(position - to), 'message')
    const effect = to > position ? `skip ${again} for good` : `read ${again} again`
    return `${topic}/${partition} from ${position} to ${to} (${effect})`
  })
  return `this would move ${meant[0]?.group} at ${moves.join(', ')}.`
}

function unknown(
  what: string,
  given: string | number,
  known: readonly (string | number)[],
): OperatorError {
  const list = [...new Set(known)].join(', ') || 'none: no group has read anything yet'
  return new OperatorError('not-found', `there is no ${what} ${given} (known are ${list})`)
}
