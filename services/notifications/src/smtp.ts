import { createTransport } from 'nodemailer'
import type { Delivery, Mailer } from './mailer.ts'
import type { StoredNotification } from './notification.ts'

/** Where mail goes, and in whose name. */
export type SmtpOptions = Readonly<{
  /** `smtp://` or `smtps://`, with user and password where the server asks for them. */
  url: string
  from: string
  /** The address of a user: `{userId}` in it stands for the user's id. */
  to: string
}>

const subjects = { happiness: 'Your order is paid', grief: 'Your order is declined' } as const
const connectTimeoutMs = 5000
const answerTimeoutMs = 15_000

/** Makes a mailer that speaks SMTP, over one connection that is kept while there is mail. */
export function smtpMailer({ url, from, to }: SmtpOptions): Mailer {
  const transport = createTransport({
    ...{ url, pool: true, maxConnections: 1 },
    ...{ connectionTimeout: connectTimeoutMs, greetingTimeout: connectTimeoutMs },
    socketTimeout: answerTimeoutMs,
  })
  return {
    async send(notification) {
      try {
        await transport.sendMail(mailOf(notification, from, to))
        return 'sent'
      } catch (error) {
        const delivery = deliveryOf(error)
        if (delivery === undefined) throw error
        return delivery
      }
    },
    close: () => transport.close(),
  }
}

/** The id is the notification's: who gets a mail twice can tell. */
function mailOf(
  { id, userId, kind, text, createdAt }: StoredNotification,
  from: string,
  to: string,
) {
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>\s*$/, '')
  return {
    messageId: `<${id}@${domain}>`,
    ...{ from, to: to.replaceAll('{userId}', userId), date: createdAt },
    ...{ subject: subjects[kind], text: `${text}\n` },
    headers: { 'auto-submitted': 'auto-generated' },
  }
}

/**
 * Undefined for what is no fault of this mail: the server is away, does not let us in, or takes
 * none from this sender, which one that wants a password says to `MAIL FROM` as well.
 */
function deliveryOf(error: unknown): Delivery | undefined {
  const { command, code, responseCode = 0 } = error as SmtpFailure
  if (command === 'MAIL FROM' || (code !== 'EENVELOPE' && code !== 'EMESSAGE')) return undefined
  if (responseCode >= 500) return 'refused'
  return responseCode >= 400 ? 'later' : undefined
}

type SmtpFailure = { command?: string; code?: string; responseCode?: number }
