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
import type { ServiceName } from '../tables-store.ts'
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

/** A database, and the services whose tables are there. */
export type Place = Readonly<{ pool: Pool; here: ReadonlySet<ServiceName> }>

/** A message was told at most this long before what it caused, unless it waited: ten minutes. */
const causeWithinMs = 10 * 60 * 1000
/** Causes above a command, at most: the longest chain of the shop has five. */
const causesMax = 12

/**
 * Finds where the life begins that somebody asks about: by a guid, a command's id, an order's id,
 * or a key of a scope. An order has a root for everything that clients did to it.
 */
export async function findRoots(
  place: Place,
  asked: string,
  scope: Scope | undefined,
): Promise<readonly Root[]> {
  const { pool, here } = place
  if (isUuid(asked)) {
    const id = asked.toLowerCase()
    const db = queryable(pool)
    const [order, left, [request]] = await Promise.all([
      findOrderFacts(db, id, here),
      findTraces(db, id, here),
      findRegistered(db, [id], here),
    ])
    if (order !== undefined || left.length > 0) {
      return ofCommands(place, await commandsOfOrder(pool, id, { order, left, scope }))
    }
    if (request !== undefined) return [await ofRequest(pool, request)]
    const found = await causesOf(pool, await findCommands(pool, [id]))
    if (found.length > 0) return ofCommands(place, found)
  }
  return ofCommands(place, await findCommands(pool, idsOfKey(scope ?? localOperator, asked)))
}

/** A request whose key was decided for another body has no command of its own. */
async function ofRequest(pool: Pool, request: RegisteredRequest): Promise<Root> {
  const { scope, operation, key, guid } = request
  if (key === null) return { request }
  const [command] = await findCommands(pool, [commandId(parseScope(scope), operation, key)])
  return command !== undefined && guidOf(command) === guid ? { command, request } : { request }
}

async function ofCommands(
  { pool, here }: Place,
  commands: readonly CommandRecord[],
): Promise<readonly Root[]> {
  const requests = await findRegistered(queryable(pool), commands.map(guidOf), here)
  const byGuid = new Map(requests.map((one) => [one.guid, one]))
  return commands.map((command) => {
    const request = byGuid.get(guidOf(command))
    return request === undefined ? { command } : { command, request }
  })
}

/**
 * What clients did to an order. Nothing lists it: it is found by the ids that a placed order can
 * have, and by what led to what services left about it (`left`); what is not settled yet, by what
 * orders told at the moments that the order's row knows.
 */
async function commandsOfOrder(
  pool: Pool,
  orderId: string,
  {
    order,
    left,
    scope,
  }: { order: OrderFacts | undefined; left: readonly string[]; scope: Scope | undefined },
): Promise<readonly CommandRecord[]> {
  const scopes = [
    scope ?? localOperator,
    localOperator,
    ...(order === undefined ? [] : [userScope('-', order.userId)]),
  ]
  const placing = scopes.map((one) => commandId(one, 'place-order', `i:${orderId}`))
  const moments = order === undefined ? [] : [order.createdAt, order.updatedAt]
  const told = await Promise.all(
    moments.map((at) => {
      const span = { from: new Date(Number(at) - 5_000), until: new Date(Number(at) + 30_000) }
      return findCharges(queryable(pool), { orderId, ...span })
    }),
  )
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
