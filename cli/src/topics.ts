import type { Pool } from '@semel/postgres'
import { retentionOf } from '@semel/runtime'
import { findForgotten, listPositions, relayGroup, resetPosition } from '@semel/topics'
import type { Command } from 'commander'
import { declareShowing, howMany, wholeNumber } from './command-line.ts'
import { type CliConfig, readCliConfig } from './config.ts'
import { operate } from './operate.ts'
import { jsonOf, tableOf } from './print.ts'
import { type Positions, type ResetOptions, resetWith } from './topics-reset.ts'

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
  topics.action(({ json }: { json?: true }) =>
    operate((pool, config) => showTopics(pool, config, json === true)),
  )
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
    .option('--wait <seconds>', 'wait so long for Kafka', wholeNumber, 0)
    .action(async (_: object, command: Command) => {
      const { replication, wait, json } = command.optsWithGlobals<{
        replication: number
        wait: number
        json?: true
      }>()
      // The client of Kafka, which no other command needs.
      const { createTopicsInKafka } = await import('./topics-create.ts')
      const options = { replication, wait, json: json === true }
      process.stdout.write(await createTopicsInKafka(process.env, options))
    })
  declareShowing(topics, 'reset', {
    does: 'let a group read topics again from a position',
    examples: [
      ['semel topics reset --group orders --topic order --to 0 --yes', 'from the start'],
      ['semel topics reset --group relay --to 0 --yes', 'every topic'],
      [
        'semel topics reset --group billing --topic billing --partition 2 --to 100 --yes',
        'one partition',
      ],
    ],
    more:
      '\nWhat was decided stays decided: messages that are read again change nothing. A\n' +
      'position beyond the one that the group has come to skips messages for good; "semel\n' +
      'check" finds them.\n' +
      '\nIt may run meanwhile; but with KAFKA_BROKERS, Kafka moves the position of a service\n' +
      'that is stopped alone.\n' +
      '\nWhere messages would be read again that are older than what the command log\n' +
      'remembers, it is refused: what was accepted is known for ever by the tables of its\n' +
      'service, but a command that was refused would be decided anew, and might be done by\n' +
      'now. --beyond-memory does it all the same.\n',
  })
    .requiredOption('--group <group>', 'the group that is to read again')
    .option('--topic <topic>', 'one topic (default: all that it reads)')
    .option('--partition <number>', 'one partition (default: all of the topic)', wholeNumber)
    .requiredOption(
      '--to <position>',
      'the position to read next, at most that of the end',
      wholeNumber,
    )
    .option('--beyond-memory', 'also where refusals have been forgotten')
    .option('--yes', 'really do it')
    // The parent has --json too, and would take it for itself.
    .action((_: object, command: Command) => reset(command.optsWithGlobals() as ResetOptions))
}

async function showTopics(pool: Pool, config: CliConfig, json: boolean): Promise<string> {
  const ofOutbox = (await listPositions(pool)).map((one) => ({ ...one, where: 'outbox' }))
  const hasKafka = config.KAFKA_BROKERS !== undefined
  const ofKafka = hasKafka ? await (await import('./topics-kafka.ts')).positionsInKafka(config) : []
  const all = [...ofOutbox, ...ofKafka.map((one) => ({ ...one, where: 'Kafka' }))]
  if (json) return jsonOf(all)
  return tableOf(
    ['group', 'topic', 'partition', 'position', 'head', 'lag', ...(hasKafka ? ['where'] : [])],
    all.map(({ group, topic, partition, position, head, lag, where }) => {
      return [group, topic, partition, position, head, lag, ...(hasKafka ? [where] : [])]
    }),
    'No group has read any topic yet.',
  )
}

/** With Kafka, the relay alone reads the outbox. */
async function reset(options: ResetOptions): Promise<void> {
  const config = readCliConfig(process.env)
  if (config.KAFKA_BROKERS === undefined || options.group === relayGroup) {
    return operate((pool) => resetWith(options, config, inOutbox(pool)))
  }
  const { resetInKafka } = await import('./topics-kafka.ts')
  process.stdout.write(await resetInKafka(options, config))
}

function inOutbox(pool: Pool): Positions {
  return {
    // One that the group has yet to discover has no position.
    known: async () => (await listPositions(pool)).filter(({ generation }) => generation > 0),
    async forgotten({ topic, partition }, from, config) {
      const before = new Date(Date.now() - retentionOf(config).rememberedMs)
      const found = await findForgotten(pool, { topic, partition, from, before })
      return found && { position: found.position, told: `on ${found.time.toISOString()}` }
    },
    async reset(moves) {
      const done = []
      for (const move of moves) {
        const place = await resetPosition(pool, move)
        if (place !== undefined) done.push({ ...move, to: place.position })
      }
      return done
    },
    next: 'It begins within a second or so if it runs, else when it is started;',
  }
}
