import { topics as topicNames } from '@semel/contracts/catalogue'
import { createGateway } from '@semel/gateway'
import { createReporter, type Lifecycle, type ServedMetrics } from '@semel/runtime'
import {
  callersOf,
  type Database,
  openDoor,
  openParts,
  rateLimitOf,
  type ServicePart,
} from '@semel/runtime/service'
import type { CliConfig } from './config.ts'
import { usageError } from './operator-error.ts'
import { parts } from './processes.ts'

/**
 * The services that are named, in the order in which they are listed above.
 *
 * @throws {OperatorError} `usage`, where one is not known.
 */
export function partsNamed(names: readonly string[]): readonly ServicePart<CliConfig>[] {
  const known = parts.map(({ name }) => name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw usageError(`there is no service "${unknown}" (known are ${known.join(', ')})`)
  }
  return parts.filter(({ name }) => names.includes(name))
}

/** What the services are opened with. */
export type ServicesOptions = Readonly<{
  config: CliConfig
  parts: readonly ServicePart<CliConfig>[]
  database: Database
  lifecycle: Lifecycle
  /** Default: nothing is counted. */
  metrics?: ServedMetrics | undefined
}>

/** Opens services behind the gateway's port, and says which port that is. */
export async function openServices(options: ServicesOptions): Promise<{ port: number }> {
  const { config, parts, database, lifecycle, metrics } = options
  const report = createReporter('semel')
  const { services, shared } = await openParts({
    ...{ parts, settings: config, database, topicNames, lifecycle, metrics, report },
    migrates: true,
  })
  const limits = { callers: callersOf(config), rateLimit: rateLimitOf(config) }
  return openDoor({
    ...{ settings: config, checks: services, lifecycle, metrics, startedBy: 'npm start' },
    make: (door) =>
      createGateway({
        ...door,
        ...{ ...limits, faces: services, topics: shared.topics, report },
      }),
  })
}
