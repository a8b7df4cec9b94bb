import { commandMigrations } from '@semel/commands/postgres'
import { owners, topics as topicNames } from '@semel/contracts/catalogue'
import type { Face } from '@semel/http'
import {
  checkAddress,
  createReporter,
  type Lifecycle,
  metricsLine,
  openMetrics,
  readSettings,
  runProcess,
  type ServedMetrics,
  urlOf,
} from '@semel/runtime'
import {
  callersOf,
  openDoor,
  openKafka,
  openShared,
  rateLimitOf,
  reachDatabase,
} from '@semel/runtime/service'
import { topicMigrations } from '@semel/topics'
import { configSchema, type GatewaySettings } from './config.ts'
import { createForwarding } from './forward.ts'
import { createGateway } from './service.ts'

const startedBy = 'npm run service -- gateway'
const report = createReporter('gateway')

await runProcess('gateway', () => readSettings(configSchema, process.env), open)

async function open(settings: GatewaySettings, lifecycle: Lifecycle): Promise<string> {
  const { HOST: host, PORT } = settings
  const metrics = await openMetrics(settings, lifecycle, startedBy)
  await checkAddress({ host, port: PORT }, startedBy)
  const topics = await openTopics(settings, lifecycle, metrics)
  const faces = facesOf(settings, lifecycle)
  const { port } = await openDoor({
    // What is behind it says itself when it is away: the door stays open to the others.
    ...{ settings, checks: [], lifecycle, metrics, startedBy },
    make: (door) =>
      createGateway({
        ...door,
        ...{ callers: callersOf(settings), rateLimit: rateLimitOf(settings), faces, report },
        ...(topics === undefined ? {} : { topics }),
      }),
  })
  return `gateway is ready at ${urlOf({ host, port })}.\n${metricsLine(metrics)}`
}

/** Every contract there is, each with the way to the service that owns it. */
function facesOf(settings: GatewaySettings, lifecycle: Lifecycle): Face[] {
  const urls = {
    orders: settings.ORDERS_URL,
    billing: settings.BILLING_URL,
    notifications: settings.NOTIFICATIONS_URL,
    messages: settings.MESSAGES_URL,
  }
  return Object.entries(owners).map(([name, { commands, queries }]) => {
    const { forward, close } = createForwarding({
      urls: urls[name as keyof typeof owners].split(','),
      report,
    })
    lifecycle.defer(`connections to ${name}`, close)
    return {
      name,
      commands: commands.map((contract) => ({ contract, forward })),
      queries: queries.map((contract) => ({ contract, forward })),
      ready: async () => undefined,
    }
  })
}

/** What takes commands whose clients do not wait: Kafka, or a database; undefined without both. */
async function openTopics(
  settings: GatewaySettings,
  lifecycle: Lifecycle,
  metrics: ServedMetrics | undefined,
) {
  const kafka = await openKafka({ settings, topicNames, lifecycle, report })
  if (kafka !== undefined) {
    metrics?.watchPublisher(kafka)
    return kafka
  }
  const { DATABASE_URL: url } = settings
  if (url === undefined) return undefined
  const database = await lifecycle.whenThere(() => reachDatabase(url))
  const { topics } = await openShared({
    ...{ settings, database, topicNames, lifecycle, metrics, report },
    migrations: [commandMigrations, topicMigrations],
    migrates: false,
    names: Object.keys(owners),
  })
  return topics
}
