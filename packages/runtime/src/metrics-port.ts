import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addressError, urlOf } from './address.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import type { MetricsSettings } from './settings.ts'

/** Metrics that are served. */
export type ServedMetrics = Metrics & Readonly<{ url: string }>

/** Where the metrics are, as a line for who started the process; none where they are nowhere. */
export function metricsLine(metrics: ServedMetrics | undefined): string {
  return metrics === undefined ? '' : `Metrics are at ${metrics.url}.\n`
}

const connectionsMax = 16

/**
 * Serves the metrics of this process where the settings say, until all that was opened later has
 * stopped; undefined where METRICS_PORT is not set. `startedBy`: what starts the process, for who
 * is to start it on another port.
 *
 * @throws {StartError} `address-unusable`
 */
export async function openMetrics(
  { METRICS_HOST: host, METRICS_PORT: port }: MetricsSettings,
  lifecycle: Lifecycle,
  startedBy: string,
): Promise<ServedMetrics | undefined> {
  if (port === undefined) return undefined
  // Loaded where it is wanted: most processes of most people have no metrics.
  const { createMetrics } = await import('./metrics.ts')
  const metrics = createMetrics()
  const server = createServer(({ method, url }, response) => {
    if (url?.split('?', 1)[0] !== '/metrics') return void response.writeHead(404).end()
    if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end()
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  server.maxConnections = connectionsMax
  return lifecycle.open(
    'metrics',
    async () => {
      try {
        server.listen({ host, port })
        await once(server, 'listening')
      } catch (error) {
        const variables = { port: 'METRICS_PORT', host: 'METRICS_HOST' }
        throw addressError({ host, port }, error as NodeJS.ErrnoException, startedBy, variables)
      }
      const { port: taken } = server.address() as AddressInfo
      return { ...metrics, url: `${urlOf({ host, port: taken })}/metrics` }
    },
    async () => {
      server.close()
      server.closeAllConnections()
    },
  )
}
