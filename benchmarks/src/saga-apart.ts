import { join } from 'node:path'
import { topics as topicNames } from '@semel/contracts/catalogue'
import { startKafka } from '@semel/parts/kafka'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { createTopics } from '@semel/topics/kafka'
import type { Databases } from './databases.ts'
import { openAccounts, type SagaContender } from './saga-contender.ts'
import { keepers } from './saga-sql.ts'
import { sagaStore } from './saga-store.ts'
import { startService } from './service-process.ts'

const prefix = 'BENCH'
const partitions = 3

/**
 * Starts the whole system in five processes: the gateway, and each service on a database of its
 * own, with a broker of Kafka between them. All databases are on the one PostgreSQL server.
 */
export async function openApart(databases: Databases): Promise<SagaContender> {
  const store = await sagaStore(databases, 'apart')
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const end of stops.toReversed()) await end()
  }
  try {
    const kafka = await startKafka({ folder: join(databases.folder, 'kafka') })
    stops.push(kafka.stop)
    const topics = topicNames.map((topic) => ({ topic, partitions }))
    await createTopics({ brokers: kafka.brokers, prefix, topics })
    const env = {
      KAFKA_BROKERS: kafka.brokers.join(),
      KAFKA_TOPIC_PREFIX: prefix,
      SEMEL_PARTITIONS: String(partitions),
    }
    const start = async (name: string, more: Readonly<Record<string, string>>) => {
      const service = await startService(name, { ...env, ...more })
      stops.push(service.stop)
      return [name, service] as const
    }
    const services = await Promise.all(
      keepers.map((name) => start(name, { DATABASE_URL: databaseUrl(store.connections[name]) })),
    )
    const urls = services.map(([name, { url }]) => [`${name.toUpperCase()}_URL`, url])
    const gateway = await start('gateway', Object.fromEntries(urls))
    const { port } = gateway[1]
    const pids = [gateway, ...services].map(([name, { pid }]) => [name, pid])
    await openAccounts(port)
    return { port, store, node: Object.fromEntries(pids), kafka: kafka.pid()!, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function databaseUrl({ host, port, user, database }: EmbeddedConnection): string {
  const where = new URLSearchParams({ host, ...(port === undefined ? {} : { port: String(port) }) })
  return `postgresql://${user}@/${database}?${where}`
}
