import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  GroupsOwned,
  KafkaConnection,
  KafkaTransport,
  TopicFound,
  TopicOptions,
} from '@semel/topics/kafka'
import { type Lifecycle, Stopping } from './lifecycle.ts'
import { retentionOf } from './retention.ts'
import type { KafkaSettings, TopicSettings } from './settings.ts'
import { StartError } from './start-error.ts'

/** What a process needs to take part in topics over Kafka. */
export type KafkaOptions = Readonly<{
  settings: KafkaSettings & TopicSettings
  /** The names of all topics there are. */
  topicNames: readonly string[]
  /** Tells for whom it reads, and as which groups; a process that only writes has none. */
  readerOf?: () => Promise<GroupsOwned>
  lifecycle: Lifecycle
  report: (error: unknown) => void
}>

/** For how long a start is held up by a Kafka that does not answer. */
const heldUpMaxMs = 5000
const inspectAgainMs = 5000

/**
 * Opens the transport over the Kafka that the settings name; undefined where they name none. It is
 * refused where topics are not as they must be, or another system reads as its groups; topics that
 * are missing are waited for as long as the lifecycle waits. Where Kafka is away, or says nothing
 * for 5 s, it is opened all the same, and looked at when it is back, or takes its time: then
 * topics are waited for beside the work, and what is wrong is reported.
 *
 * @throws {StartError} `kafka-refuses`, `topics-unsuitable`
 */
export async function openKafka(options: KafkaOptions): Promise<KafkaTransport | undefined> {
  const { settings, lifecycle, report } = options
  const connection = await kafkaConnectionOf(settings)
  if (connection === undefined) return undefined
  // Loaded where it is wanted: the client takes a quarter of a second.
  const { findTakenGroups, inspectTopics, kafkaTransport } = await import('@semel/topics/kafka')
  const wanted = { ...connection, ...topicsWanted(options) }
  const reader = await options.readerOf?.()
  const look = () =>
    asStartError(connection, async () => {
      const taken = reader === undefined ? [] : await findTakenGroups(connection, reader)
      refuseTaken(taken)
      refuseUnsuitable(await inspectTopics(wanted))
    })
  const away = await lifecycle.whenThere(() => lookInTime(connection, look))
  if (away !== undefined) {
    report(away)
    lookAgain(look, options)
  }
  const owner = reader === undefined ? {} : { owner: reader.owner }
  const kafka = kafkaTransport({ ...connection, ...owner })
  lifecycle.defer('Kafka', kafka.close)
  return kafka
}

/** How brokers are reached, as the settings say it; undefined where they name none. */
export async function kafkaConnectionOf(
  settings: KafkaSettings,
): Promise<KafkaConnection | undefined> {
  const { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: prefix } = settings
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = settings
  if (brokers === undefined) return undefined
  const isNamed = username !== undefined && password !== undefined
  const mechanism = settings.KAFKA_SASL_MECHANISM
  return {
    brokers: brokers.split(','),
    prefix,
    ...(settings.KAFKA_TLS ? { tls: await trusted(settings.KAFKA_CA_FILE) } : {}),
    ...(isNamed ? { sasl: { mechanism, username, password } } : {}),
  }
}

/** Every topic as it is to be: as many partitions and as long kept as the settings say. */
export function topicsWanted({
  settings,
  topicNames,
}: Pick<KafkaOptions, 'settings' | 'topicNames'>): Pick<
  TopicOptions,
  'topics' | 'keptMs' | 'rememberedMs'
> {
  const partitions = settings.SEMEL_PARTITIONS
  return { topics: topicNames.map((topic) => ({ topic, partitions })), ...retentionOf(settings) }
}

/** What is wrong with topics, and not only other than it was wanted, a sentence each. */
export function topicFaults(found: readonly TopicFound[]): readonly string[] {
  return found.flatMap(({ name, state, differences }) =>
    state === 'missing'
      ? [`there is no ${name}`]
      : differences.flatMap(({ of, found: is, harm }) =>
          harm === undefined ? [] : [`${of} of ${name} is ${is}: ${harm}`],
        ),
  )
}

async function trusted(file: string | undefined): Promise<{ ca?: string }> {
  if (file === undefined) return {}
  try {
    return { ca: await readFile(file, 'utf8') }
  } catch (cause) {
    const said = (cause as Error).message
    throw new StartError('kafka-refuses', `KAFKA_CA_FILE cannot be read (${said})`, { cause })
  }
}

/** What keeps Kafka from being looked at in time; undefined when it was. */
async function lookInTime(
  connection: KafkaConnection,
  look: () => Promise<void>,
): Promise<StartError | undefined> {
  const patience = new AbortController()
  const late = delay(heldUpMaxMs, awayError(connection, `no answer within ${heldUpMaxMs} ms`), {
    signal: patience.signal,
  })
  try {
    return (await Promise.race([look(), late])) ?? undefined
  } catch (error) {
    if (!isAway(error)) throw error
    return error
  } finally {
    patience.abort()
    await late.catch(() => undefined)
  }
}

/** @throws {StartError} for whatever Kafka has against it. */
async function asStartError(connection: KafkaConnection, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code, message } = error as Error & { code?: unknown }
    if (code === 'unavailable') throw awayError(connection, message, error)
    const told = `Kafka refuses (${message}); check the variables that begin with KAFKA_`
    throw new StartError('kafka-refuses', told, { cause: error })
  }
}

/** Two systems would each get a part of the other's messages. */
function refuseTaken(groups: readonly string[]): void {
  if (groups.length === 0) return
  throw new StartError(
    'kafka-refuses',
    `others read as ${groups.join(', ')} in Kafka, for another database: give each system names of ` +
      'its own (KAFKA_TOPIC_PREFIX), or stop the other one',
  )
}

function refuseUnsuitable(found: readonly TopicFound[]): void {
  const faults = topicFaults(found)
  if (faults.length === 0) return
  throw new StartError(
    'topics-unsuitable',
    `topics in Kafka are not as they must be: ${faults.join('; ')}. ` +
      'What is missing is made by: npx semel topics create',
    { mayCome: topicFaults(found.filter(({ state }) => state !== 'missing')).length === 0 },
  )
}

function awayError({ brokers }: KafkaConnection, why: string, cause?: unknown): StartError {
  return new StartError(
    'kafka-away',
    `Kafka at ${brokers.join(', ')} cannot be asked yet (${why}): it is tried again, and what is ` +
      'told waits in the database',
    { cause },
  )
}

function isAway(error: unknown): error is StartError {
  return error instanceof StartError && error.code === 'kafka-away'
}

/**
 * Too late for a start that fails: what may come yet is waited for, and whatever is wrong then is
 * told until it is mended. Nobody waits for this look: it may take as long as Kafka takes.
 */
function lookAgain(
  look: () => Promise<void>,
  { lifecycle, report }: Pick<KafkaOptions, 'lifecycle' | 'report'>,
): void {
  const stopped = new AbortController()
  const again = async () => {
    while (await pause(inspectAgainMs, stopped.signal)) {
      try {
        return await lifecycle.whenThere(look)
      } catch (error) {
        if (error instanceof Stopping) return
        if (!isAway(error)) report(error)
      }
    }
  }
  void again()
  lifecycle.defer('the look at topics', async () => stopped.abort())
}

/** Whether it was a whole pause. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}
