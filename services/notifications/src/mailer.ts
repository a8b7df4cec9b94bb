import type { StoredNotification } from './notification.ts'

/**
 * What became of a mail. `refused`: for good, and for its own sake (nobody of that address).
 * `later`: for now, and for its own sake (a full mailbox).
 */
export type Delivery = 'sent' | 'refused' | 'later'

/** Sends mails. */
export interface Mailer {
  /** Rejects while the server cannot be reached, or takes no mail from us at all. */
  send(notification: StoredNotification): Promise<Delivery>
  close(): void
}
