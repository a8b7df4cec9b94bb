import { setTimeout as timer } from 'node:timers/promises'
import { openSession, type Pool, type Session } from '@semel/postgres'
import { beginMail, type DueMail, delayMail, dueMails, lockMail, passMail } from './mail-store.ts'
import type { Mailer } from './mailer.ts'

/** What mail is sent with. */
export type MailOptions = Readonly<{
  pool: Pool
  mailer: Mailer
  /** Told of what delays mail, and of mails that are given up. Default: nobody is. */
  report?: ((error: unknown) => void) | undefined
  /** How often it is looked for mail that is due, in milliseconds. Default 500. */
  everyMs?: number
  /** The longest pause between two tries, in milliseconds. Default 60,000. */
  backOffMaxMs?: number
  clock?: () => Date
}>

/** A mail that was not taken for so many tries, the last ones an hour apart, is given up. */
const triesMax = 100
const lateMaxMs = 60 * 60 * 1000
const mailsMax = 50
const backOffMinMs = 250

/** A mail was given up. Code `mail-refused`. */
export class MailRefused extends Error {
  readonly code = 'mail-refused'
}

/**
 * Starts to send a mail for each notification, after it was committed, in the order in which they
 * were stored; those that were stored before mail was ever set up are not sent. One process of a
 * database sends at a time. A server that is away delays mail and nothing else.
 *
 * A mail may repeat, rarely: where this ends between its acceptance and the note of it. It then has
 * the same message id.
 */
export function startMail(options: MailOptions): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const ended = sendForever(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await ended
      options.mailer.close()
    },
  }
}

async function sendForever(options: MailOptions, signal: AbortSignal): Promise<void> {
  const { pool, report = () => {}, backOffMaxMs = 60_000 } = options
  let failures = 0
  const sent = () => {
    failures = 0
  }
  while (!signal.aborted) {
    let session: Session | undefined
    try {
      session = await openSession(pool)
      await sendBy(options, session, sent, signal)
    } catch (error) {
      report(error)
      failures += 1
      const fullMs = Math.min(backOffMaxMs, backOffMinMs * 2 ** Math.min(failures, 20))
      await pause(fullMs * (0.5 + Math.random() / 2), signal)
    } finally {
      session?.close()
    }
  }
}

/** Sends while this session is the one that may; until then it waits for its turn. */
async function sendBy(
  options: MailOptions,
  session: Session,
  sent: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { everyMs = 500 } = options
  let mayISend = false
  while (!signal.aborted) {
    if (!mayISend && (await lockMail(session))) {
      mayISend = true
      await beginMail(session)
    }
    const isMore = mayISend && (await sendDue(options, session, sent, signal))
    if (!isMore) await pause(everyMs, signal)
  }
}

/** Sends what is due, a page of it. Whether there may be more. */
async function sendDue(
  options: MailOptions,
  session: Session,
  sent: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock = () => new Date() } = options
  const due = await dueMails(session, { now: clock(), mailsMax })
  for (const mail of due) {
    if (signal.aborted) break
    await sendOne(options, session, mail)
    sent()
  }
  return due.length === mailsMax
}

async function sendOne(
  { mailer, report = () => {}, clock = () => new Date() }: MailOptions,
  session: Session,
  { notification, tries }: DueMail,
): Promise<void> {
  const { number, id, userId } = notification
  const delivery = await mailer.send(notification)
  if (delivery === 'later' && tries + 1 < triesMax) {
    const waitMs = Math.min(lateMaxMs, 60_000 * 2 ** tries)
    const dueAt = new Date(clock().getTime() + waitMs)
    return delayMail(session, { number, tries: tries + 1, dueAt })
  }
  await passMail(session, number)
  if (delivery !== 'sent') {
    report(new MailRefused(`the mail of notification ${id} to user ${userId} is not taken`))
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal }).catch(() => {})
}
