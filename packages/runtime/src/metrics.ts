import type { RemoteReplayCache } from '@semel/commands'
import type { RequestObserver, Service } from '@semel/http'
import type { Pool } from '@semel/postgres'
import type { ServiceObserver } from '@semel/topics'
import type { PostgresTransport } from '@semel/topics/postgres'
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import { type Distribution, distribution, madeOnce, pairCounts, type Sample } from './counts.ts'

/**
 * What a process counts and measures. Labels are names that the code knows, of which there are few:
 * never a key, an id or a path as it was asked for.
 */
export type Metrics = Watches &
  Readonly<{
    /** To be told by a service of what it does. */
    ofService(name: string): ServiceObserver
    /** To be told of requests. */
    requests: RequestObserver
    /** All of them in the text format of Prometheus. */
    text(): Promise<string>
    contentType: string
  }>

/** What is asked about itself whenever somebody asks for the metrics. */
type Watches = Readonly<{
  watchService(service: Pick<Service, 'name' | 'executor'>): void
  watchPool(pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>): void
  watchPublisher(publisher: Pick<PostgresTransport, 'waiting'>): void
  watchGroups(topics: Pick<PostgresTransport, 'lags'>): void
  watchCache(name: string, cache: Pick<RemoteReplayCache, 'counts' | 'isConnected'>): void
}>

/** Every metric of ours, its type and its meaning. */
const declared = {
  semel_commands_total: ['counter', 'commands, by how they ended'],
  semel_commands_waiting: ['gauge', 'commands that wait for a transaction'],
  semel_batch_commands: ['histogram', 'commands in one transaction'],
  semel_batch_duration_seconds: ['histogram', 'how long a transaction took, with its repetitions'],
  semel_http_request_duration_seconds: ['histogram', 'how long a request took to be answered'],
  semel_messages_read_total: ['counter', 'messages that were read, by what became of them'],
  semel_messages_parked_total: ['counter', 'messages that were parked as dead letters, by reason'],
  semel_messages_unread: ['gauge', 'how many messages a group has still to read'],
  semel_messages_unpublished: ['gauge', 'messages that wait to be published'],
  semel_postgres_connections: ['gauge', 'connections to PostgreSQL'],
  semel_postgres_waiting: ['gauge', 'how many wait for a connection to PostgreSQL'],
  semel_cache_connected: ['gauge', '1 while a cache beyond this process is asked, else 0'],
  semel_cache_results_total: ['counter', 'answers looked up and kept there, by what it came to'],
} as const

type Name = keyof typeof declared
type Labels = Sample['labels']
type Add = (name: Name, labels: Labels, samples: () => readonly Sample[]) => void

const secondsBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const commandsBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** Makes the metrics of a process, in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const sources = new Map<string, (() => Sample[])[]>()
  for (const [name, [type, help]] of Object.entries(declared)) {
    const from: (() => Sample[])[] = []
    sources.set(name, from)
    registry.registerMetric(metricOf(name, type, help, () => from.flatMap((samples) => samples())))
  }
  const add: Add = (name, labels, samples) =>
    sources
      .get(name)!
      .push(() => samples().map((one) => ({ ...one, labels: { ...labels, ...one.labels } })))
  return {
    ofService: (name) => observerOf(name, add),
    requests: requestObserver(add),
    ...watches(add),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** All that a registry asks of a metric. */
function metricOf(name: string, type: string, help: string, samples: () => Sample[]): Metric {
  const get = async () => ({
    ...{ name, type, help, aggregator: 'sum' },
    values: samples().map(({ labels, value, suffix = '' }) => {
      return { labels, value, metricName: name + suffix }
    }),
  })
  return { name, type, help, get } as unknown as Metric
}

function observerOf(name: string, add: Add): ServiceObserver {
  const submitted = pairCounts('operation', 'outcome')
  const carried = pairCounts('operation', 'outcome')
  const read = pairCounts('topic', 'outcome')
  const parked = pairCounts('topic', 'reason')
  const sizes = distribution(commandsBounds)
  const times = distribution(secondsBounds)
  add('semel_commands_total', { service: name, carried: 'false' }, submitted.samples)
  add('semel_commands_total', { service: name, carried: 'true' }, carried.samples)
  add('semel_messages_read_total', { group: name }, read.samples)
  add('semel_messages_parked_total', { group: name }, parked.samples)
  add('semel_batch_commands', { service: name }, sizes.samples)
  add('semel_batch_duration_seconds', { service: name }, times.samples)
  return {
    commandEnded: (operation, end, isCarried) =>
      (isCarried ? carried : submitted).count(operation, end),
    batchEnded(commands, seconds) {
      sizes.observe(commands)
      times.observe(seconds)
    },
    messageRead: read.count,
    messageParked: parked.count,
  }
}

function requestObserver(add: Add): RequestObserver {
  /** By route, method and the first digit of the status. */
  const known = new Map<string, Map<string, Distribution[]>>()
  return {
    requestAnswered(method, route = 'none', status, seconds) {
      const byMethod = madeOnce(known, route, () => new Map<string, Distribution[]>())
      const byDigit = madeOnce(byMethod, method, () => [])
      const digit = Math.floor(status / 100)
      if (byDigit[digit] === undefined) {
        byDigit[digit] = distribution(secondsBounds)
        const labels = { method, route, status: `${digit}xx` }
        add('semel_http_request_duration_seconds', labels, byDigit[digit].samples)
      }
      byDigit[digit].observe(seconds)
    },
  }
}

function watches(add: Add): Watches {
  const watch = (name: Name, labels: Labels, value: () => number) =>
    add(name, labels, () => [{ labels: {}, value: value() }])
  return {
    watchService({ name, executor }) {
      watch('semel_commands_waiting', { service: name }, executor.waiting)
    },
    watchPool(pool) {
      const busy = () => pool.totalCount - pool.idleCount
      watch('semel_postgres_connections', { state: 'busy' }, busy)
      watch('semel_postgres_connections', { state: 'idle' }, () => pool.idleCount)
      watch('semel_postgres_waiting', {}, () => pool.waitingCount)
    },
    watchPublisher(publisher) {
      watch('semel_messages_unpublished', {}, publisher.waiting)
    },
    watchGroups(topics) {
      add('semel_messages_unread', {}, () =>
        topics.lags().map(({ messages, ...labels }) => ({ labels, value: messages })),
      )
    },
    watchCache(name, cache) {
      watch('semel_cache_connected', { cache: name }, () => Number(cache.isConnected()))
      add('semel_cache_results_total', { cache: name }, () =>
        Object.entries(cache.counts()).map(([result, value]) => ({ labels: { result }, value })),
      )
    },
  }
}
