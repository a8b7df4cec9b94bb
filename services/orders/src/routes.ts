import { mayActFor, userOf } from '@semel/commands'
import { getOrder, listOrders } from '@semel/contracts/orders'
import { answerPage, type MountedQuery, mountQuery } from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { orderView } from './order.ts'
import { findOrder, listOrders as selectOrders } from './sql.ts'

/** What can be asked about orders. */
export function orderQueries(db: Queryable): readonly MountedQuery[] {
  return [
    mountQuery(getOrder, async (caller, { id }) => {
      const order = await findOrder(db, id)
      const isVisible = order !== undefined && mayActFor(caller, order.userId)
      return isVisible ? { body: orderView(order) } : { problem: 'order-unknown' }
    }),
    mountQuery(listOrders, (caller, { userId = userOf(caller), status, ...page }) =>
      answerPage(page, {
        query: listOrders,
        filters: { userId, status },
        select: (wanted) => selectOrders(db, wanted),
        numberOf: ({ number }) => number,
        view: orderView,
      }),
    ),
  ]
}
