import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { topics as topicNames } from '@semel/contracts/catalogue'
import { startKafka } from '@semel/parts/kafka'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { createTopics } from '@semel/topics/kafka'
import type { Databases } from './databases.ts'
import { openAccounts, type SagaContender } from './saga-contender.ts'
import { keepers } from './saga-sql.ts'
import { sagaStore } from './saga-store.ts'

/** A service alone, by the very file that `npm run service` runs. */
export type ServiceProcess = Readonly<{
  url: string
  port: number
  pid: number
  stop(): Promise<void>
}>

const prefix = 'BENCH'
const partitions = 3
const startLimitMs = 30_000
const stopLimitMs = 10_000

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

/** Starts a service on a free port and resolves when it says that it is ready. */
export async function startService(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const main = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>()
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-4000)
      const url = /is ready at (http:\/\/[^\s,]+[^\s,.])/.exec(said)?.[1]
      if (url !== undefined) resolve(url)
    })
  }
  const failed = (why: string) => reject(new Error(`${name} ${why}:\n${said}`))
  const late = setTimeout(() => failed(`is not ready within ${startLimitMs} ms`), startLimitMs)
  void exited.then(() => failed('ended'))
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    await exited
    clearTimeout(timer)
  }
  try {
    const url = await ready
    return { url, port: Number(new URL(url).port), pid: child.pid!, stop: () => end('SIGTERM') }
  } catch (error) {
    await end('SIGKILL')
    throw error
  } finally {
    clearTimeout(late)
  }
}

function databaseUrl({ host, port, user, database }: EmbeddedConnection): string {
  const where = new URLSearchParams({ host, ...(port === undefined ? {} : { port: String(port) }) })
  return `postgresql://${user}@/${database}?${where}`
}
