import type { Queryable } from '@semel/postgres'
import type { StoredNotification } from './notification.ts'
import { type NotificationRow, notificationColumns, notificationOf } from './sql.ts'

/** A mail that is due: its notification, and how often it was tried before. */
export type DueMail = Readonly<{ notification: StoredNotification; tries: number }>

/** Tries to become the one who sends mail, for as long as the session lives. */
export async function lockMail(session: Queryable): Promise<boolean> {
  const { rows } = await session.query<{ isLocked: boolean }>({
    text: `select pg_try_advisory_lock(hashtextextended('mail', 5370231602)) as "isLocked"`,
  })
  return rows[0]!.isLocked
}

/** Begins with what is told from now on, unless mail was sent before. */
export async function beginMail(session: Queryable): Promise<void> {
  await session.query({
    text: `insert into mail_position (next) select next from notification_numbers
               on conflict do nothing`,
  })
}

/** Mails that are due: those that were late before, then new ones, in their order. */
export async function dueMails(
  session: Queryable,
  { now, mailsMax }: { now: Date; mailsMax: number },
): Promise<readonly DueMail[]> {
  const { rows } = await session.query<NotificationRow & { tries: number }>({
    name: 'due-mails',
    text: `select tries, ${notificationColumns}
             from (select number, tries, 0 as place from late_mails where due_at <= $1
                    union all
                   select number, 0, 1 from notifications
                    where number >= (select next from mail_position)
                    order by place, number limit $2) as due
             join notifications using (number)
            order by place, number`,
    values: [now, mailsMax],
  })
  return rows.map((row) => ({ notification: notificationOf(row), tries: row.tries }))
}

/** Notes that a mail was seen to: it is not late any more, and was sent or refused. */
export async function passMail(session: Queryable, number: number): Promise<void> {
  await session.query({
    name: 'pass-mail',
    text: `with late as (delete from late_mails where number = $1)
           update mail_position set next = greatest(next, $1 + 1)`,
    values: [number],
  })
}

/** Notes that a mail is to be tried again, and passes it meanwhile. */
export async function delayMail(
  session: Queryable,
  { number, tries, dueAt }: { number: number; tries: number; dueAt: Date },
): Promise<void> {
  await session.query({
    name: 'delay-mail',
    text: `with late as (
             insert into late_mails (number, tries, due_at) values ($1, $2, $3)
                 on conflict (number) do update
                    set tries = excluded.tries, due_at = excluded.due_at)
           update mail_position set next = greatest(next, $1 + 1)`,
    values: [number, tries, dueAt],
  })
}
