import { type Static, Type } from '@semel/contract'
import {
  callerSettings,
  databaseUrl,
  kafkaSettings,
  limitSettings,
  listening,
  metricsSettings,
  topicSettings,
} from '@semel/runtime'

function addressOf(service: string, port: number) {
  return Type.String({
    default: `http://127.0.0.1:${port}`,
    pattern: '^https?://[^\\s,/]+(,https?://[^\\s,/]+)*$',
    description: `where ${service} is; its processes with commas between`,
    errorMessage: 'must be http://host:port, or several of them with commas between',
  })
}

/** What the gateway alone is configured by. */
export const configSchema = Type.Object({
  ...listening(8080),
  ...metricsSettings,
  ORDERS_URL: addressOf('orders', 8081),
  BILLING_URL: addressOf('billing', 8082),
  NOTIFICATIONS_URL: addressOf('notifications', 8083),
  MESSAGES_URL: addressOf('messages', 8084),
  DATABASE_URL: Type.Optional(
    databaseUrl('the gateway alone gives receipts by it, unless by Kafka'),
  ),
  ...topicSettings,
  ...kafkaSettings,
  ...callerSettings,
  ...limitSettings,
})

/** What the gateway alone has been told. */
export type GatewaySettings = Readonly<Static<typeof configSchema>>
