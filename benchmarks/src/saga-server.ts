import { readCliConfig } from '@semel/cli/src/config.ts'
import { parts } from '@semel/cli/src/processes.ts'
import { openServices } from '@semel/cli/src/services.ts'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { createLifecycle } from '@semel/runtime'
import { tellPort } from './server-process.ts'

/** The whole system in one process, by the very function that `npm start` calls. */

type Settings = { connection: EmbeddedConnection }

const { connection }: Settings = JSON.parse(process.argv[2]!)
const lifecycle = createLifecycle()
const config = readCliConfig({ PORT: '0' })
const database = { connection, name: 'of the benchmark' }
const { port } = await openServices({ config, parts, database, lifecycle })
tellPort(port, () => lifecycle.stop())
