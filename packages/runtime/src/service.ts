import { createIdentify, createServer } from '@semel/http'
import { checkAddress, urlOf } from './address.ts'
import { callersOf } from './callers.ts'
import { reachDatabase } from './database.ts'
import { openDoor, rateLimitOf } from './door.ts'
import { metricsLine, openMetrics } from './metrics-port.ts'
import { openParts, type ServicePart } from './parts.ts'
import { runProcess } from './process.ts'
import { createReporter } from './reporter.ts'
import { readSettings, type ServiceSettings } from './settings.ts'

export { callersOf } from './callers.ts'
export { type Database, reachDatabase } from './database.ts'
export { openDoor, rateLimitOf } from './door.ts'
export { kafkaConnectionOf, openKafka, topicFaults, topicsWanted } from './kafka.ts'
export { openParts, openShared, type ServicePart } from './parts.ts'

/**
 * Runs a service alone in this process: its own face on its own port, callers identified as a
 * gateway does it, on a database whose tables are there (or made, with SEMEL_MIGRATE; or waited
 * for, with SEMEL_WAIT_SECONDS). SIGTERM drains it; what a user can mend ends it, as
 * {@link runProcess} says.
 */
export function runService<Needs>(
  env: Readonly<Record<string, string | undefined>>,
  part: ServicePart<Needs>,
  topicNames: readonly string[],
): Promise<void> {
  const startedBy = `npm run service -- ${part.name}`
  const read = () => readSettings(part.schema, env) as ServiceSettings & Needs
  return runProcess(part.name, read, async (settings, lifecycle) => {
    const { HOST: host, PORT } = settings
    const metrics = await openMetrics(settings, lifecycle, startedBy)
    await checkAddress({ host, port: PORT }, startedBy)
    const database = await lifecycle.whenThere(() => reachDatabase(settings.DATABASE_URL))
    const report = createReporter(part.name)
    const { services } = await openParts({
      ...{ parts: [part], settings, database, topicNames, lifecycle, metrics, report },
      migrates: settings.SEMEL_MIGRATE,
    })
    const identify = createIdentify(callersOf(settings))
    const rateLimit = rateLimitOf(settings)
    const { port } = await openDoor({
      ...{ settings, checks: services, lifecycle, metrics, startedBy },
      make: (door) =>
        createServer({
          ...{ ...door, faces: services, identify, rateLimit, report },
          internalRoutes: services.flatMap(({ internalRoutes }) => internalRoutes),
        }),
    })
    const at = `${urlOf({ host, port })}, on the database ${database.name}`
    return `${part.name} is ready at ${at}.\n${metricsLine(metrics)}`
  })
}
