import { billing } from '@semel/billing/config'
import { configSchema as gateway } from '@semel/gateway/config'
import { messages } from '@semel/messages/config'
import { notifications } from '@semel/notifications/config'
import { orders } from '@semel/orders/config'
import type { ServicePart } from '@semel/runtime/service'
import type { TObject } from 'typebox'
import type { CliConfig } from './config.ts'

/** Every service that there is; the gateway has no data. */
export const parts: readonly ServicePart<CliConfig>[] = [orders, billing, notifications, messages]

/** What each process that runs alone is configured by. */
export const processes: Readonly<Record<string, TObject>> = {
  ...Object.fromEntries(parts.map(({ name, schema }) => [name, schema])),
  gateway,
}
