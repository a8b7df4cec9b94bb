import type { Repository } from '@semel/commands'
import type { NotificationKind } from '@semel/contracts/notifications'
import {
  int4Array,
  int8Array,
  type MigrationSet,
  type Queryable,
  type Tx,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@semel/postgres'
import {
  type NotificationCommand,
  type NotificationState,
  notificationDecider,
  type StoredNotification,
  subjectOf,
} from './notification.ts'

/** The tables of the service. */
export const notificationMigrations: MigrationSet = {
  set: 'notifications',
  folder: new URL('../migrations/', import.meta.url),
}

/** Notifications in PostgreSQL. */
export const notificationRepository: Repository<NotificationState, NotificationCommand, Tx> = {
  async load(tx, ids, commands) {
    // In the order in which they came: the list shows them by their numbers.
    const inOrder = [...new Set(commands.map(notificationDecider.aggregateId))]
    // The lock on the numbers comes first. Who has it sees, in the statement behind it, all that
    // others stored under it.
    const [first, found] = await Promise.all([
      takeNumbers(tx, ids.length),
      findNotifications(tx, ids),
    ])
    const stored = new Map(found.map((each) => [`${each.orderId} ${each.orderVersion}`, each]))
    return new Map(
      inOrder.map((id, index): [string, NotificationState] => {
        const absent = { status: 'absent' as const, ...subjectOf(id), number: first + index }
        return [id, stored.get(id) ?? absent]
      }),
    )
  },
  async save(tx, changed) {
    insertNotifications(
      tx,
      changed.filter((notification) => notification.status === 'stored'),
    )
  },
}

/** Notifications, newest first, below a number: all, those of a user, of an order, or of both. */
export async function listNotifications(
  db: Queryable,
  asked: {
    userId: string | undefined
    orderId: string | undefined
    below: number
    limit: number
  },
): Promise<StoredNotification[]> {
  const { rows } = await db.query<NotificationRow>(listStatement(asked))
  return rows.map(notificationOf)
}

/** What a notification's row says, and what it should; `id` names the version of an order. */
export type NotificationFault = Readonly<{ id: string; is: string; shouldBe: string }>

/**
 * Lists, up to `limit`, versions of orders with more than one notification, and notifications whose
 * number the next one may get again. Reads every notification.
 */
export async function findNotificationFaults(
  db: Queryable,
  limit = 100,
): Promise<readonly NotificationFault[]> {
  const { rows } = await db.query<NotificationFault>({
    text: `select order_id || ' version ' || order_version as id,
                  count(*) || ' notifications' as "is", '1 notification' as "shouldBe"
             from notifications group by order_id, order_version having count(*) > 1
            union all
           select order_id || ' version ' || order_version, 'number ' || number,
                  'a number below ' || next
             from notifications join notification_numbers on number >= next
            limit $1`,
    values: [limit],
  })
  return rows
}

/** A row of the table. */
export type NotificationRow = {
  id: string
  number: number
  order_id: string
  order_version: number
  user_id: string
  kind: NotificationKind
  text: string
  created_at: Date
}

/** By name: a column more, in a later release, must not change what a statement returns. */
export const notificationColumns =
  'id, number, order_id, order_version, user_id, kind, text, created_at'

function listStatement(asked: Parameters<typeof listNotifications>[1]) {
  const { userId, orderId, below, limit } = asked
  const page = [below, limit]
  if (orderId !== undefined) {
    const values = [...page, orderId, userId ?? null]
    return { name: 'list-order-notifications', text: listOfOrder, values }
  }
  if (userId !== undefined) {
    return { name: 'list-user-notifications', text: listOfUser, values: [...page, userId] }
  }
  return { name: 'list-notifications', text: listAll, values: page }
}

async function takeNumbers(tx: Tx, count: number): Promise<number> {
  const { rows } = await tx.query<{ first: number }>({
    name: 'take-notification-numbers',
    text: `update notification_numbers set next = next + $1::integer where one
           returning next - $1::integer as first`,
    values: [count],
  })
  return rows[0]!.first
}

async function findNotifications(tx: Tx, ids: readonly string[]): Promise<StoredNotification[]> {
  const subjects = ids.map(subjectOf)
  const { rows } = await tx.query<NotificationRow>({
    name: 'find-notifications',
    text: findSome,
    values: [
      uuidArray(subjects.map(({ orderId }) => orderId)),
      int4Array(subjects.map(({ orderVersion }) => orderVersion)),
    ],
  })
  return rows.map(notificationOf)
}

function insertNotifications(tx: Tx, notifications: readonly StoredNotification[]): void {
  if (notifications.length === 0) return
  const column = <T>(of: (notification: StoredNotification) => T) => notifications.map(of)
  tx.send({
    name: 'insert-notifications',
    text: `insert into notifications (id, number, order_id, order_version, user_id, kind, text,
                                      created_at)
           select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::integer[], $5::uuid[],
                                $6::text[], $7::text[], $8::timestamptz[])`,
    values: [
      uuidArray(column(({ id }) => id)),
      int8Array(column(({ number }) => number)),
      uuidArray(column(({ orderId }) => orderId)),
      int4Array(column(({ orderVersion }) => orderVersion)),
      uuidArray(column(({ userId }) => userId)),
      textArray(column(({ kind }) => kind)),
      textArray(column(({ text }) => text)),
      timestamptzArray(column(({ createdAt }) => createdAt)),
    ],
  })
}

/** A notification out of its row. */
export function notificationOf(row: NotificationRow): StoredNotification {
  const { id, number, kind, text } = row
  return {
    status: 'stored',
    ...{ id, number, kind, text },
    orderId: row.order_id,
    orderVersion: row.order_version,
    userId: row.user_id,
    createdAt: row.created_at,
  }
}

// The limit keeps the planner from a join that reads the whole index.
const findSome = `
  select found.* from unnest($1::uuid[], $2::integer[]) as asked (order_id, order_version)
   cross join lateral (
     select ${notificationColumns} from notifications
      where order_id = asked.order_id and order_version = asked.order_version limit 1
   ) as found`

const listAll = `
  select ${notificationColumns} from notifications where number < $1 order by number desc limit $2`

const listOfUser = `
  select ${notificationColumns} from notifications
   where user_id = $3 and number < $1
   order by number desc limit $2`

// An order has few: they are found by the primary key and then sorted, which saves an index.
const listOfOrder = `
  with of_order as materialized (
    select ${notificationColumns} from notifications where order_id = $3
  )
  select ${notificationColumns} from of_order
   where number < $1 and ($4::uuid is null or user_id = $4)
   order by number desc limit $2`
