import { mayActFor, type Scope, userOf } from '@semel/commands'
import type { ParametersOf } from '@semel/contract'
import { getOrder, listOrders } from '@semel/contracts/orders'
import type { MountedQuery, QueryAnswer } from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { readCursor, writeCursor } from './cursor.ts'
import { orderView } from './order.ts'
import { findOrder, listOrders as selectOrders } from './sql.ts'

/** What can be asked about orders. */
export function orderQueries(db: Queryable): readonly MountedQuery[] {
  return [
    {
      contract: getOrder,
      async answer(caller, { id }: ParametersOf<typeof getOrder>): Promise<QueryAnswer> {
        const order = await findOrder(db, id)
        if (order === undefined || !mayActFor(caller, order.userId)) {
          return { problem: 'order-unknown' }
        }
        return { body: orderView(order) }
      },
    },
    {
      contract: listOrders,
      answer: (caller, parameters: ParametersOf<typeof listOrders>) => list(db, caller, parameters),
    },
  ]
}

async function list(
  db: Queryable,
  caller: Scope,
  { userId, status, limit = 50, cursor }: ParametersOf<typeof listOrders>,
): Promise<QueryAnswer> {
  const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(cursor)
  if (below === undefined) {
    const detail = 'is not a cursor that a list gave; leave it out to begin at the newest'
    return {
      problem: 'request-invalid',
      members: { errors: [{ in: 'query', pointer: '/cursor', detail }] },
    }
  }
  const asked = { userId: userId ?? userOf(caller), status, below, limit: limit + 1 }
  const found = await selectOrders(db, asked)
  const items = found.slice(0, limit)
  const last = found.length > limit ? items.at(-1) : undefined
  return {
    body: {
      items: items.map(orderView),
      nextCursor: last === undefined ? null : writeCursor(last.number),
    },
  }
}
