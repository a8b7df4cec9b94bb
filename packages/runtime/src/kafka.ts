import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  inspectTopics,
  KafkaConnection,
  KafkaTransport,
  TopicFound,
  TopicOptions,
} from '@semel/topics/kafka'
import type { Lifecycle } from './lifecycle.ts'
import { type KafkaSettings, retentionOf, type TopicSettings } from './settings.ts'
import { StartError } from './start-error.ts'

/** What a process needs to take part in topics over Kafka. */
export type KafkaOptions = Readonly<{
  settings: KafkaSettings & TopicSettings
  /** The names of all topics there are. */
  topicNames: readonly string[]
  /** Tells for whom it reads; a process that only writes has none. */
  ownerOf?: () => Promise<string>
  lifecycle: Lifecycle
  report: (error: unknown) => void
}>

const inspectMaxMs = 5000
const inspectAgainMs = 5000

/**
 * Opens the transport over the Kafka that the settings name; undefined where they name none. It is
 * refused where topics are not as they must be. Where Kafka is away it is opened all the same, and
 * the topics are looked at when it is back.
 *
 * @throws {StartError} `kafka-refuses`, `topics-unsuitable`
 */
export async function openKafka(options: KafkaOptions): Promise<KafkaTransport | undefined> {
  const { settings, lifecycle, report } = options
  const connection = await kafkaConnectionOf(settings)
  if (connection === undefined) return undefined
  // Loaded where it is wanted: the client takes a quarter of a second.
  const { inspectTopics, kafkaTransport } = await import('@semel/topics/kafka')
  const wanted = { ...connection, ...topicsWanted(options) }
  const look = () => lookAtTopics(inspectTopics, wanted)
  const away = await look()
  if (away !== undefined) {
    report(away)
    lookAgain(look, options)
  }
  const owner = await options.ownerOf?.()
  const kafka = kafkaTransport({ ...connection, ...(owner === undefined ? {} : { owner }) })
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

/** What keeps Kafka from being looked at now; undefined when its topics are as they must be. */
async function lookAtTopics(
  inspect: typeof inspectTopics,
  wanted: TopicOptions,
): Promise<StartError | undefined> {
  let found: readonly TopicFound[] | undefined
  const patience = new AbortController()
  const late = delay(inspectMaxMs, undefined, { signal: patience.signal }).catch(() => undefined)
  try {
    found = await Promise.race([inspect(wanted), late])
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown }
    if (code === 'unavailable') return awayError(wanted, message, error)
    const told = `Kafka refuses (${message}); check the variables that begin with KAFKA_`
    throw new StartError('kafka-refuses', told, { cause: error })
  } finally {
    patience.abort()
  }
  if (found === undefined) return awayError(wanted, `no answer within ${inspectMaxMs} ms`)
  const faults = topicFaults(found)
  if (faults.length === 0) return undefined
  throw new StartError(
    'topics-unsuitable',
    `topics in Kafka are not as they must be: ${faults.join('; ')}. ` +
      'What is missing is made by: npx semel topics create',
  )
}

function awayError({ brokers }: TopicOptions, why: string, cause?: unknown): StartError {
  return new StartError(
    'kafka-away',
    `Kafka at ${brokers.join(', ')} cannot be asked yet (${why}): it is tried again, and what is ` +
      'told waits in the database',
    { cause },
  )
}

/** Too late for a start that fails: whatever is wrong is told until it is mended. */
function lookAgain(
  look: () => Promise<StartError | undefined>,
  { lifecycle, report }: Pick<KafkaOptions, 'lifecycle' | 'report'>,
): void {
  const stopped = new AbortController()
  const again = async () => {
    while (await pause(inspectAgainMs, stopped.signal)) {
      try {
        if ((await look()) === undefined) return
      } catch (error) {
        report(error)
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
