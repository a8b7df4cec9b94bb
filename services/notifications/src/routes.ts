import { userOf } from '@semel/commands'
import { listNotifications } from '@semel/contracts/notifications'
import { answerPage, type MountedQuery, mountQuery } from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { notificationView } from './notification.ts'
import { listNotifications as selectNotifications } from './sql.ts'

/**
 * What can be asked about notifications. A user sees his own, an operator all; a `userId` that is
 * another's was refused at the edge.
 */
export function notificationQueries(db: Queryable): readonly MountedQuery[] {
  return [
    mountQuery(listNotifications, (caller, { userId = userOf(caller), orderId, ...page }) =>
      answerPage(page, {
        query: listNotifications,
        filters: { userId, orderId },
        select: (wanted) => selectNotifications(db, wanted),
        numberOf: ({ number }) => number,
        view: notificationView,
      }),
    ),
  ]
}
