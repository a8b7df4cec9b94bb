import { GenericError } from '@platformatic/kafka'

/** A topic is not there: topics are never made by the way. Code `topic-unknown`. */
export class TopicUnknown extends Error {
  readonly code = 'topic-unknown'

  constructor(topic: string, cause: unknown) {
    super(`Kafka has no topic ${topic}: make it with createTopics, or look whom brokers name`, {
      cause,
    })
  }
}

/** Kafka does not answer, or it is not known whether it did what was asked. Code `unavailable`. */
export class KafkaUnavailable extends Error {
  readonly code = 'unavailable'
  /** `unknown`: published again, messages may be there twice, with the same ids. */
  readonly effect: 'none' | 'unknown'

  constructor(effect: 'none' | 'unknown', cause: unknown) {
    super(`Kafka is not available (${reasonOf(cause)})`, { cause })
    this.effect = effect
  }
}

/**
 * Kafka does not let this process in, or not do what it asks. Trying again is no help: somebody has
 * to mend `tls`, `sasl` or the rights there. Code `not-allowed`.
 */
export class KafkaNotAllowed extends Error {
  readonly code = 'not-allowed'

  constructor(cause: unknown) {
    super(`Kafka does not allow it (${reasonOf(cause)}): look at tls, sasl and rights`, { cause })
  }
}

/** The brokers are too old for what is asked of them. Code `not-supported`. */
export class KafkaNotSupported extends Error {
  readonly code = 'not-supported'

  constructor(cause: unknown) {
    super(`Kafka cannot do what is asked (${reasonOf(cause)}): it must be 3.1 or newer`, { cause })
  }
}

/** A group has members of another owner, who keep it. Code `group-taken`. */
export class GroupTaken extends Error {
  readonly code = 'group-taken'

  constructor(group: string, cause: unknown) {
    super(
      `others read as the group ${group} in Kafka, for another database: nothing is read here while ` +
        'they do. Give each system names of its own (KAFKA_TOPIC_PREFIX)',
      { cause },
    )
  }
}

/** A topic does not take a message as large as this one. Code `record-too-large`. */
export class RecordTooLarge extends Error {
  readonly code = 'record-too-large'

  constructor(topic: string, message: string, bytes: number, cause: unknown) {
    const mend = `raise max.message.bytes of the topic, to more than ${bytes}; it is tried again`
    super(`Kafka's topic ${topic} takes no message as large as ${message}: ${mend}`, { cause })
  }
}

/** A group was to go on where the broker has nothing any more; it goes on where there is more. */
export class MessagesGone extends Error {
  readonly code = 'messages-gone'
}

/** A group has members, who would go on where they are: its positions stay. Code `group-runs`. */
export class GroupRuns extends Error {
  readonly code = 'group-runs'
  readonly group: string

  constructor(group: string, cause: unknown) {
    super(`the group ${group} has members: stop them first`, { cause })
    this.group = group
  }
}

const notAllowed = new Set([
  ...['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'],
  ...['SASL_AUTHENTICATION_FAILED', 'ILLEGAL_SASL_STATE', 'UNSUPPORTED_SASL_MECHANISM'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['ERR_TLS_CERT_ALTNAME_INVALID', 'Broker requires TLS.'],
])
const notSupported = new Set(['PLT_KFK_UNSUPPORTED_API', 'UNSUPPORTED_VERSION'])
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
/** What a connection also ends with whose broker dies while it is opened. */
const maybeNotAllowed = new Set(['PLT_KFK_AUTHENTICATION', 'PLT_KFK_USER', 'EPROTO'])

/** What a failure of the client is to those who use this; anything else is what it was. */
export function failureOf(error: unknown, effect: 'none' | 'unknown' = 'none'): unknown {
  if (!isOfClient(error)) return error
  if (isOneOf(notAllowed, error)) return new KafkaNotAllowed(error)
  if (isOneOf(notSupported, error)) return new KafkaNotSupported(error)
  return new KafkaUnavailable(effect, error)
}

/** Whether a broker has refused records for their size: one of them, or all together. */
export function isTooLarge(error: unknown): boolean {
  return isOneOf(tooLarge, error)
}

/** Whether asking again tells more: a broker that is there, and ends so again, allows nothing. */
export function mayBeNotAllowed(error: unknown): boolean {
  return error instanceof KafkaUnavailable && isOneOf(maybeNotAllowed, error)
}

/** Whether the broker has closed the connection instead of an answer. */
export function isClosed(error: unknown): boolean {
  return error instanceof KafkaUnavailable && reasonOf(error) === 'Connection closed'
}

function isOneOf(signs: ReadonlySet<string>, error: unknown): boolean {
  return [...causesOf(error)].some(
    ({ code, apiId, message }) =>
      signs.has(`${code}`) || signs.has(`${apiId}`) || signs.has(message),
  )
}

/** Its own errors, and that of bytes that are no answer. */
function isOfClient(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  return GenericError.isGenericError(error) || (error as Caused).code === 'OUT_OF_BOUNDS'
}

type Caused = Error & Readonly<{ code?: unknown; apiId?: unknown; errors?: readonly unknown[] }>

/** An error, and what it came from: the last try last, and of each the first cause last. */
function* causesOf(error: unknown): Generator<Caused> {
  if (!(error instanceof Error)) return
  const caused: Caused = error
  yield caused
  for (const each of caused.errors ?? []) yield* causesOf(each)
  yield* causesOf(caused.cause)
}

function reasonOf(error: unknown): string {
  const first = [...causesOf(error)].at(-1)
  return first?.message ?? `${error}`
}
