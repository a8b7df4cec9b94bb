import { mayActFor, userOf } from '@semel/commands'
import type { ParametersOf } from '@semel/contract'
import { getOrder, listOrders } from '@semel/contracts/orders'
import { answerPage, type MountedQuery, type QueryAnswer } from '@semel/http'
import type { Queryable } from '@semel/postgres'
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
      answer(
        caller,
        { userId = userOf(caller), status, ...page }: ParametersOf<typeof listOrders>,
      ) {
        return answerPage(page, {
          select: (wanted) => selectOrders(db, { userId, status, ...wanted }),
          numberOf: ({ number }) => number,
          view: orderView,
        })
      },
    },
  ]
}
