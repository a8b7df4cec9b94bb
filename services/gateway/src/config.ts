import { type Static, Type } from '@semel/contract'
import {
  addressOf,
  callerSettings,
  databaseUrl,
  kafkaSettings,
  limitSettings,
  listening,
  metricsSettings,
  topicSettings,
  waitSettings,
} from '@semel/runtime'

const here = (port: number) => ({ default: `http://127.0.0.1:${port}` })

/** What the gateway alone is configured by. */
export const configSchema = Type.Object({
  ...listening(8080),
  ...metricsSettings,
  ORDERS_URL: addressOf('orders', here(8081)),
  BILLING_URL: addressOf('billing', here(8082)),
  NOTIFICATIONS_URL: addressOf('notifications', here(8083)),
  MESSAGES_URL: addressOf('messages', here(8084)),
  DATABASE_URL: Type.Optional(
    databaseUrl('the gateway alone gives receipts by it, unless by Kafka'),
  ),
  ...waitSettings,
  ...topicSettings,
  ...kafkaSettings,
  ...callerSettings,
  ...limitSettings,
})

/** What the gateway alone has been told. */
export type GatewaySettings = Readonly<Static<typeof configSchema>>
