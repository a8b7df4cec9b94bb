import { setTimeout as delay } from 'node:timers/promises'
import type { RateLimitOptions, RequestObserver, Server } from '@semel/http'
import { addressError } from './address.ts'
import { createReadiness, type Ready } from './health.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import type { ServerSettings } from './settings.ts'

/** What each caller may ask for, by what was set; undefined: anything. */
export function rateLimitOf(settings: ServerSettings): RateLimitOptions | undefined {
  const { RATE_LIMIT_PER_MINUTE: perMinute, RATE_LIMIT_BURST: burst } = settings
  return perMinute === undefined ? undefined : { perMinute, burst }
}

/** What a server is made with, besides what it shows. */
type Door = Readonly<{ ready: () => Promise<Ready>; observe: RequestObserver | undefined }>

/** What a door is made with: a server that is asked for the readiness of what is behind it. */
export type DoorOptions = Readonly<{
  settings: ServerSettings
  /** Without which no command would succeed. */
  checks: readonly Readonly<{ name: string; ready(): Promise<void> }>[]
  lifecycle: Lifecycle
  /** What starts the process, for who is to start it on another port. */
  startedBy: string
  metrics?: Metrics | undefined
  make(door: Door): Promise<Server>
}>

/**
 * Opens a server where the settings say, and resolves to its port. When the process stops, it is no
 * longer ready, takes requests for SHUTDOWN_DELAY_SECONDS more, for those who have not heard of it
 * yet, answers what is in flight, and is closed first.
 *
 * @throws {StartError} `address-unusable`
 */
export async function openDoor(options: DoorOptions): Promise<{ port: number }> {
  const { settings, checks, lifecycle, startedBy, metrics, make } = options
  const address = { host: settings.HOST, port: settings.PORT }
  const readiness = createReadiness(checks.map(({ name, ready }) => ({ name, check: ready })))
  const server = await make({ ready: readiness.ready, observe: metrics?.requests })
  return lifecycle.open(
    'server',
    async () => {
      try {
        return await server.listen(address)
      } catch (error) {
        throw addressError(address, error as NodeJS.ErrnoException, startedBy)
      }
    },
    async () => {
      readiness.drain()
      await delay(settings.SHUTDOWN_DELAY_SECONDS * 1000)
      await server.close()
    },
  )
}
