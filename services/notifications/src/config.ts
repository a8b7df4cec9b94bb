import { type Static, Type } from '@semel/contract'
import { mailSettings, serviceSettings } from '@semel/runtime'
import type { ServicePart } from '@semel/runtime/service'
import { createNotifications, migrations } from './service.ts'
import { smtpMailer } from './smtp.ts'

const own = Type.Object(mailSettings)

/** The service as a part of a process, and what it is configured by alone. */
export const notifications: ServicePart<Static<typeof own>> = {
  name: 'notifications',
  schema: Type.Object({ ...serviceSettings(8083), ...own.properties }),
  migrations,
  create: (shared, settings) => createNotifications({ ...shared, mailer: mailerOf(settings) }),
}

function mailerOf({ SMTP_URL: url, MAIL_FROM: from, MAIL_TO: to }: Static<typeof own>) {
  if (url === undefined || from === undefined || to === undefined) return undefined
  return smtpMailer({ url, from, to })
}
