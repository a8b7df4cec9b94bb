import {
  checkAddress,
  knowsCallers,
  type Lifecycle,
  openMetrics,
  runProcess,
  urlOf,
} from '@semel/runtime'
import { type CliConfig, readCliConfig } from './config.ts'
import { openDatabase } from './database.ts'
import { parts } from './processes.ts'
import { openServices, partsNamed } from './services.ts'
import { startPage } from './start-page.ts'

/**
 * Starts the whole system in this process, or the services named alone, shows it on one page, and
 * resolves; SIGINT and SIGTERM drain it and end the process.
 *
 * @throws {ConfigError | OperatorError | EmbeddedPostgresError} what a user can mend and
 * `runProcess` does not say; whatever had been started is ended again.
 */
export async function start(env: NodeJS.ProcessEnv, only?: readonly string[]): Promise<void> {
  const chosen = only === undefined ? parts : partsNamed(only)
  await runProcess(
    'semel',
    () => readCliConfig(env),
    (config, lifecycle, say) => open(config, chosen, lifecycle, say),
  )
}

async function open(
  config: CliConfig,
  parts: Parameters<typeof openServices>[0]['parts'],
  lifecycle: Lifecycle,
  say: (line: string) => void,
): Promise<string> {
  const { HOST: host, PORT: port } = config
  const metrics = await openMetrics(config, lifecycle, 'npm start')
  await checkAddress({ host, port })
  const database = await openDatabase(config, lifecycle, say)
  const listening = await openServices({ config, parts, database, lifecycle, metrics })
  return startPage({
    url: urlOf({ host, port: listening.port }),
    services: parts.map(({ name }) => name),
    database: database.name,
    metrics: metrics?.url,
    knowsCallers: knowsCallers(config),
  })
}
