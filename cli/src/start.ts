import { createLifecycle, type Lifecycle, Stopping } from '@semel/runtime'
import { checkAddress, urlOf } from './address.ts'
import { type CliConfig, knowsCallers, readCliConfig } from './config.ts'
import { openDatabase } from './database.ts'
import { openServices } from './services.ts'
import { startPage } from './start-page.ts'

/**
 * Starts the whole system in this process, shows it on one page, and resolves; SIGINT and SIGTERM
 * drain it and end the process.
 *
 * @throws {ConfigError | StartError | EmbeddedPostgresError} what a user can mend; whatever had
 * been started is ended again.
 */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readCliConfig(env)
  const lifecycle = createLifecycle({ say })
  lifecycle.stopOnSignals()
  try {
    process.stdout.write(await open(config, lifecycle))
  } catch (error) {
    // The signal that came meanwhile ends the process when all is stopped.
    if (error instanceof Stopping) return
    await lifecycle.stop()
    throw error
  }
}

async function open(config: CliConfig, lifecycle: Lifecycle): Promise<string> {
  const { HOST: host, PORT: port } = config
  await checkAddress({ host, port })
  const database = await openDatabase(config, lifecycle, say)
  const listening = await openServices({ config, connection: database.connection, lifecycle })
  return startPage({
    url: urlOf({ host, port: listening.port }),
    database: database.name,
    knowsCallers: knowsCallers(config),
  })
}

function say(line: string): void {
  process.stderr.write(`semel: ${line}\n`)
}
