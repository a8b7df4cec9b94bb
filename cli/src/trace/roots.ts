import {
  type CommandRecord,
  commandId,
  guidOf,
  localOperator,
  parseScope,
  type Scope,
  userScope,
} from '@semel/commands'
import { isUuid } from '@semel/contract'
import { type Pool, queryable } from '@semel/postgres'
import { messageReactedTo } from '@semel/topics'
import { findCommands, idsOfKey } from '../keys.ts'
import {
  findCharges,
  findMessages,
  findOrderFacts,
  findRegistered,
  findTraces,
  type OrderFacts,
  type RegisteredRequest,
} from './sql.ts'

/** Where a life begins: a decided command, or a request that is not decided. */
export type Root = Readonly<{ command?: CommandRecord; request?: RegisteredRequest }>

/** A message was told at most this long before what it caused, unless it waited: ten minutes. */
const causeWithinMs = 10 * 60 * 1000
/** Causes above a command, at most: the longest chain of the shop has five. */
const causesMax = 12

/**
 * Finds where the life begins that somebody asks about: by a guid, a command's id, an order's id,
 * or a key of a scope. An order has a root for everything that clients did to it.
 */
export async function findRoots(
  pool: Pool,
  asked: string,
  scope: Scope | undefined,
): Promise<readonly Root[]> {
  if (isUuid(asked)) {
    const id = asked.toLowerCase()
    const [order, [request]] = await Promise.all([
      findOrderFacts(queryable(pool), id),
      findRegistered(queryable(pool), [id]),
    ])
    if (order !== undefined) return ofCommands(pool, await commandsOfOrder(pool, id, order, scope))
    if (request !== undefined) return [await ofRequest(pool, request)]
    const found = await causesOf(pool, await findCommands(pool, [id]))
    if (found.length > 0) return ofCommands(pool, found)
  }
  return ofCommands(pool, await findCommands(pool, idsOfKey(scope ?? localOperator, asked)))
}

/** A request whose key was decided for another body has no command of its own. */
async function ofRequest(pool: Pool, request: RegisteredRequest): Promise<Root> {
  const { scope, operation, key, guid } = request
  if (key === null) return { request }
  const [command] = await findCommands(pool, [commandId(parseScope(scope), operation, key)])
  return command !== undefined && guidOf(command) === guid ? { command, request } : { request }
}

async function ofCommands(
  pool: Pool,
  commands: readonly CommandRecord[],
): Promise<readonly Root[]> {
  const requests = await findRegistered(queryable(pool), commands.map(guidOf))
  const byGuid = new Map(requests.map((one) => [one.guid, one]))
  return commands.map((command) => {
    const request = byGuid.get(guidOf(command))
    return request === undefined ? { command } : { command, request }
  })
}

/**
 * What clients did to an order. Nothing lists it: it is found by the ids that a placed order can
 * have, and by what led to its entries and notifications; what is not settled yet, by what orders
 * told at the moments that the order's row knows.
 */
async function commandsOfOrder(
  pool: Pool,
  orderId: string,
  { userId, createdAt, updatedAt }: OrderFacts,
  scope: Scope | undefined,
): Promise<readonly CommandRecord[]> {
  const db = queryable(pool)
  const scopes = [scope ?? localOperator, localOperator, userScope('-', userId)]
  const placing = scopes.map((one) => commandId(one, 'place-order', `i:${orderId}`))
  const around = [createdAt, updatedAt].map((at) => ({
    orderId,
    ...{ from: new Date(Number(at) - 5_000), until: new Date(Number(at) + 30_000) },
  }))
  const [left, ...told] = await Promise.all([
    findTraces(db, orderId),
    ...around.map((span) => findCharges(db, span)),
  ])
  const telling = told.flat().map((message) => message.commandId)
  return causesOf(pool, await findCommands(pool, [orderId, ...placing, ...left, ...telling]))
}

/** Follows commands up to what clients asked: whose message was it that each came from? */
async function causesOf(
  pool: Pool,
  commands: readonly CommandRecord[],
): Promise<readonly CommandRecord[]> {
  const roots = new Map<string, CommandRecord>()
  let above = commands
  for (let level = 0; above.length > 0 && level < causesMax; level += 1) {
    const caused = above.flatMap((one) => {
      const id = messageReactedTo(one)
      const from = new Date(Number(one.decidedAt) - causeWithinMs)
      return id === undefined ? [] : [{ id, from, until: one.decidedAt }]
    })
    const messages = await findMessages(queryable(pool), caused)
    const found = new Set<string | undefined>(messages.map(({ id }) => id))
    for (const one of above) if (!found.has(messageReactedTo(one))) roots.set(one.id, one)
    above = await findCommands(pool, [...new Set(messages.map((message) => message.commandId))])
  }
  for (const one of above) roots.set(one.id, one)
  return [...roots.values()]
}
