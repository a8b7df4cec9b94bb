import {
  commandKeyLengthMax,
  type EventContract,
  event,
  type Outgoing,
  query,
  type Rendered,
  type Static,
  Type,
  tell,
} from '@semel/contract'
import { commands } from './commands.ts'
import { pageOf, pageParameters, Uuid } from './schemas.ts'

/** Bytes of an answer's body that the registry keeps, at most: the largest order has a quarter. */
const answerBytesMax = 256 * 1024

const operations = commands.map(({ operation }) => operation)
const Operation = Type.String({ minLength: 1, maxLength: 100 })
/** As commands know it: `h:` and the header's key, or `i:` and the id that the client made. */
const Key = Type.String({ minLength: 1, maxLength: commandKeyLengthMax })
const Scope = Type.String({ minLength: 1, maxLength: 1024 })
const Request = Type.Record(Type.String(), Type.Unknown())
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const responseMembers = {
  status: Type.Integer({ minimum: 100, maximum: 599 }),
  headers: Type.Record(Type.String(), Type.String()),
}

const exampleGuid = 'd41d8cd9-8f00-8204-a980-0998ecf8427e'
const exampleKey = '3f0c1d9a-6b1e-4c55-8d51-0e2a7c9b1f44'
const exampleOrderId = '0193d5a1-6f00-7000-8000-000000000001'
const exampleInput = { id: exampleOrderId, version: 4 }
const exampleProblem = {
  type: '/problems/data-out-of-date',
  title: 'data is out of date',
  status: 409,
  code: 3043,
  currentVersion: 5,
}
const exampleHeaders = { 'content-type': 'application/problem+json' }

/**
 * Waiting to be decided; ended; or set aside until an operator has looked at it. What was answered
 * stays; a refusal of the key (410, 422) gives way to an answer.
 */
export const MessageState = Type.Enum(['pending', 'answered', 'parked'])
export type MessageState = Static<typeof MessageState>

/**
 * A request as the registry shows it, under the key as the client sent it. `response.body` is the
 * answer's own JSON; null where it was longer than 256 KiB.
 */
export const Message = Type.Object({
  guid: Uuid,
  operation: orNull(Type.String()),
  key: orNull(Type.String()),
  state: MessageState,
  request: orNull(Request),
  response: orNull(Type.Object({ ...responseMembers, body: Type.Unknown() })),
})

export type Message = Static<typeof Message>

const exampleMessage = {
  guid: exampleGuid,
  operation: 'cancel-order',
  key: exampleKey,
  state: 'answered',
  request: exampleInput,
  response: { status: 409, headers: exampleHeaders, body: exampleProblem },
}

export const getMessage = query({
  name: 'get-message',
  summary: 'Get what became of a request',
  path: '/messages/{guid}',
  parameters: { guid: Uuid },
  answer: {
    description:
      'What became of the request. One that was not yet seen here, or that another caller ' +
      'sent, is `pending`, and nothing else is said of it.',
    headers: { 'retry-after': 'Seconds to wait before asking again; while it is `pending`.' },
    body: Message,
    example: exampleMessage,
  },
  example: { guid: exampleGuid },
})

export const listMessages = query({
  name: 'list-messages',
  summary: 'List your requests under a key, newest first',
  path: '/messages',
  parameters: {
    operation: Type.Enum(operations, { errorMessage: `must be one of ${operations.join(', ')}` }),
    key: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'The idempotency key, or the id that stood for it, as it was sent.',
    }),
    ...pageParameters,
  },
  answer: {
    description:
      'A page of requests: one for each body that was sent under the key. `nextCursor` leads to ' +
      'the next page, and is null on the last.',
    body: pageOf(Message),
    example: { items: [exampleMessage], nextCursor: null },
  },
  example: { operation: 'cancel-order', key: exampleKey },
})

/**
 * How a client's request ended, told in the transaction that ended it. `response.body` is the text
 * that was answered, to the byte; null beyond 256 KiB. `response` is null unless it was answered.
 * `seal`: what executors with one secret believe the response by; opaque to all others.
 */
export const messageAnswered = event({
  type: 'message-answered',
  summary: 'A request of a client has ended',
  topic: 'message',
  partitionKey: ({ guid }) => guid,
  body: {
    guid: Uuid,
    operation: Operation,
    key: Key,
    scope: Scope,
    request: Request,
    outcome: Type.Enum(['answered', 'key-reused', 'key-expired']),
    response: orNull(
      Type.Object({
        ...responseMembers,
        body: orNull(Type.String({ maxLength: answerBytesMax })),
      }),
    ),
    seal: Type.Optional(Type.String({ maxLength: 128 })),
  },
  example: {
    guid: exampleGuid,
    operation: 'cancel-order',
    key: `h:${exampleKey}`,
    scope: '-/user:4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10',
    request: exampleInput,
    outcome: 'answered',
    response: { status: 409, headers: exampleHeaders, body: JSON.stringify(exampleProblem) },
  },
})

/** The topics whose dead letters the registry reads: those that carry commands. */
export const commandTopics = ['order', 'billing'] as const

const deadLetterBody = {
  group: Type.String(),
  topic: Type.String(),
  partition: Type.Integer({ minimum: 0 }),
  position: Type.Integer({ minimum: 0 }),
  /** The message's own; one that is made of its place where it has none. */
  id: Uuid,
  /** Empty where the message has none. */
  type: Type.String(),
  reason: Type.String(),
  detail: Type.String(),
  /** As it was sent; empty where that would be too large. */
  body: Type.String(),
}

/**
 * A message was set aside, because a group could do nothing about it or about one before it. Told
 * on the topic `<topic>_dead`, under the message's own partition key, which the body does not tell,
 * with the message's scope.
 */
export function deadLetteredOn(
  topic: string,
): EventContract<'dead-lettered', typeof deadLetterBody> {
  return {
    type: 'dead-lettered',
    summary: 'A message was set aside',
    topic: `${topic}_dead`,
    body: Type.Object(deadLetterBody),
    example: {
      group: 'orders',
      topic,
      partition: 0,
      position: 41,
      id: exampleGuid,
      type: 'cancel-order',
      reason: 'failed',
      detail: 'an order changed under its lock',
      body: JSON.stringify({ key: `h:${exampleKey}`, input: exampleInput }),
    },
  }
}

/** How a command ended, as executors tell of it. */
export type Ending = Readonly<{
  guid: string
  command: Readonly<{ operation: string; key: string; scope: string; sent: object }>
  /** It came by a topic. */
  carried: boolean
  outcome: Readonly<{ kind: 'answered'; answer: Rendered } | { kind: 'key-reused' | 'key-expired' }>
}>

/** Tells the registry how every client's command ended: an executor's `announce`. */
export function announceAll(ending: Ending, seal?: string): Outgoing | undefined {
  const { guid, outcome } = ending
  const { operation, key, scope, sent } = ending.command
  // What services ask of each other has no client who would look it up.
  if (scope.startsWith('@')) return undefined
  const told = { guid, operation, key, scope, request: sent as Record<string, unknown> }
  const response = outcome.kind === 'answered' ? responseOf(outcome.answer) : null
  const sealed = seal === undefined ? {} : { seal }
  return tell(messageAnswered, { ...told, outcome: outcome.kind, response, ...sealed })
}

/**
 * An executor's `announce` by what REGISTER says: of all commands of clients, or of those alone
 * that came by a topic. `sealOf` makes the seals; default: there are none.
 */
export function announcing<E extends Ending>(
  register: 'all' | 'topic',
  sealOf: (ending: E) => string | undefined = () => undefined,
): (ending: E) => Outgoing | undefined {
  return (ending) =>
    register === 'all' || ending.carried ? announceAll(ending, sealOf(ending)) : undefined
}

function responseOf({ status, headers, body }: Rendered) {
  return { status, headers, body: body.length > answerBytesMax ? null : body.toString() }
}
