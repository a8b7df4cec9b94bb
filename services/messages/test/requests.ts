import {
  type Command,
  createExecutor,
  type Executor,
  guidOf,
  makeCommand,
  messageId,
  type Scope,
  serviceScope,
  userScope,
} from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { cancelOrder } from '@semel/contracts/orders'
import type { Pool } from '@semel/postgres'
import { type Received, reactionKey } from '@semel/topics'
import { type EntryCommand, entryDecider } from '../src/entry.ts'
import { requestEnded, requestParked, requestSeen } from '../src/reactions.ts'
import { entryRepository } from '../src/sql.ts'
import { deadLetterReader, readCommandMessage } from '../src/subscriptions.ts'

export const ann = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
export const bob = '5d2f9b63-7a1c-4a1f-8e1b-3a9f6a7e8d21'
export const contracts = [requestEnded, requestSeen, requestParked]

const reader = 'messages'
const readLetter = deadLetterReader(new Set([cancelOrder.operation]))
const orderId = '0193d5a1-6f00-7000-8000-000000000001'

/** What a user asks for; `version` makes one body differ from another. */
export type Asked = Readonly<{ key?: string; version?: number; scope?: Scope }>

/** The command that a request is. */
export function requestOf({ key = 'h:k', version = 1, scope = userScope('-', ann) }: Asked = {}) {
  return makeCommand(cancelOrder, {
    ...{ scope, key, receivedAt: new Date(0) },
    input: { version, id: orderId },
  })
}

/** A message in its envelope, as a consumer has read it. */
export function readMessage(
  message: Partial<Received> & Pick<Received, 'type' | 'scope' | 'body'>,
): Received {
  const id = '6f1b8c52-3f0a-8d11-9d0a-2f8e5f6d7c10'
  const place = { topic: 'order', partitionKey: 'k' }
  return { ...place, id, source: 'orders', time: new Date(Date.UTC(2026, 0, 1)), ...message }
}

/** A topic carries the request. */
export function seen(request: Command): EntryCommand {
  const { operation: type, scope, key, sent: input } = request
  const message = { ...readMessage({ type, scope, body: { key, input } }), id: guidOf(request) }
  return commandIn(readCommandMessage(message, reader))
}

/** The request is set aside; `body` is what the letter holds of it. */
export function parked(request: Command, body?: string, group = 'orders'): EntryCommand {
  return commandIn(readLetter(letterOf(request, body, group), reader))
}

/** The dead letter of a request. */
export function letterOf(request: Command, body?: string, group = 'orders'): Received {
  const { operation, scope, key, sent: input } = request
  const letter = {
    ...{ group, topic: 'order', partition: 0, position: 1, id: guidOf(request), type: operation },
    ...{ reason: 'failed', detail: 'why', body: body ?? JSON.stringify({ key, input }) },
  }
  // Two letters of one message are told by two groups.
  const id = idAbout(request, body === undefined ? 0 : 1)
  return readMessage({ id, type: 'dead-lettered', scope, body: letter })
}

/** The request has ended. Several endings of one request are told by messages of several ids. */
export function ended(
  request: Command,
  end: number | 'key-reused' | 'key-expired',
  nth = 2,
): EntryCommand {
  const { operation, key, scope, sent } = request
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  const answered = { status: end, headers, body: `{"nth":${nth}}` }
  return makeCommand(requestEnded, {
    scope: serviceScope('orders'),
    key: reactionKey(reader, idAbout(request, nth)),
    receivedAt: new Date(Date.UTC(2026, 0, 1)),
    input: {
      ...{ guid: guidOf(request), operation, key, scope, request: sent },
      outcome: typeof end === 'number' ? 'answered' : end,
      response: typeof end === 'number' ? answered : null,
    },
  })
}

/** An executor of the registry on a database. */
export function postgresExecutor(pool: Pool): Executor {
  const rest = { decider: entryDecider, contracts }
  return createExecutor({ store: postgresStore(pool), repository: entryRepository, ...rest })
}

/** Has a batch decided as its topic carried it, and expects that all of it is done. */
export async function carry(executor: Executor, commands: readonly EntryCommand[]): Promise<void> {
  const carried = commands.map((command) => ({ command, partitionKey: command.input.guid }))
  const outcomes = await executor.submitCarried(carried)
  const left = outcomes.filter(({ kind }) => kind !== 'decided' && kind !== 'known')
  if (left.length > 0) throw new Error(`not done: ${JSON.stringify(left)}`)
}

/** Has the registry hear of all that was told of requests that ended. */
export async function deliverTold(pool: Pool, executor: Executor): Promise<void> {
  const { rows } = await pool.query<{ id: string; body: string }>(
    `select id, body from outbox where topic = 'message' order by position`,
  )
  const commands = rows.map(({ id, body }) =>
    makeCommand(requestEnded, {
      ...{ scope: serviceScope('orders'), key: reactionKey(reader, id), receivedAt: new Date() },
      input: JSON.parse(body),
    }),
  )
  await carry(executor, commands)
}

/** The id of the n-th message about a request. */
function idAbout(request: Command, nth: number): string {
  return messageId(guidOf(request) as Command['id'], nth, new Date(0))
}

function commandIn(reading: ReturnType<typeof readCommandMessage>): EntryCommand {
  if (reading.kind !== 'command') throw new Error(`no command: ${JSON.stringify(reading)}`)
  return reading.command as EntryCommand
}
