import {
  composeCaches,
  type Ending,
  processReplayCache,
  type RemoteReplayCache,
  type ReplayCache,
} from '@semel/commands'
import { endingSeal } from '@semel/commands/registry-protocol'
import type { Lifecycle } from './lifecycle.ts'
import type { Metrics } from './metrics.ts'
import type { CacheSettings } from './settings.ts'

/** What replay caches are opened with. */
export type CachesOptions = Readonly<{
  settings: CacheSettings
  lifecycle: Lifecycle
  /** Default: nothing is counted. */
  metrics?: Metrics | undefined
  report: (error: unknown) => void
}>

/** The replay caches of a process. */
export type Caches = Readonly<{
  /** Makes the replay cache of a service that clients ask something of. */
  makeCache: () => ReplayCache
  /** Seals what is told to the registry; there is none where no answer is looked up in it. */
  sealOf?: (ending: Ending) => string | undefined
}>

/** Each service has a cache of its own; the Redis and the registry behind it serve all of them. */
export async function openCaches({
  settings: { REDIS_URL: url, MESSAGES_URL: registryUrls, SEAL_SECRET: secret },
  lifecycle,
  metrics,
  report,
}: CachesOptions): Promise<Caches> {
  if (secret === undefined) return { makeCache: () => processReplayCache() }
  const remote: RemoteReplayCache[] = []
  const open = (name: string, cache: RemoteReplayCache) => {
    lifecycle.defer(name, cache.close)
    metrics?.watchCache(name.toLowerCase(), cache)
    remote.push(cache)
  }
  // Loaded where they are wanted: the client of Redis takes a quarter of a second.
  if (url !== undefined) {
    const { redisReplayCache } = await import('@semel/commands/redis')
    open('Redis', redisReplayCache({ url, secret, report }))
  }
  if (registryUrls !== undefined) {
    const { registryReplayCache } = await import('@semel/commands/registry')
    open('registry', registryReplayCache({ urls: registryUrls.split(','), secret, report }))
  }
  return {
    makeCache: () => composeCaches(processReplayCache(), ...remote),
    ...(registryUrls === undefined ? {} : { sealOf: endingSeal(secret) }),
  }
}
