import { MigrationRefused } from '@semel/postgres'
import { EmbeddedPostgresError } from '@semel/postgres/embedded'
import { ConfigError, describeConfig } from '@semel/runtime'
import { Command } from 'commander'
import { configSchema } from './config.ts'
import { start } from './start.ts'
import { StartError } from './start-error.ts'

const examples = `
Examples:
  npm start                                     the whole system, with a PostgreSQL of its own
  PORT=8081 npm start                           on another port
  SEMEL_DATA=/srv/semel npx semel start         with its data elsewhere
  DATABASE_URL=postgres://me@db/shop npm start  with your PostgreSQL

Environment:
${describeConfig(configSchema)}
`

const program = new Command('semel')
  .description('An order backend in which every command takes effect exactly once.')
  .addHelpText('after', examples)
program
  .command('start')
  .description('start the whole system in this process and show it on one page')
  .addHelpText('after', examples)
  .action(() => start(process.env))

try {
  await program.parseAsync()
} catch (error) {
  // What a user can mend is one line. Everything else is a bug, and its stack is wanted.
  if (!isExpected(error)) throw error
  process.stderr.write(`semel: ${error.message}\n`)
  process.exitCode = 1
}

function isExpected(error: unknown): error is Error {
  const known = [ConfigError, EmbeddedPostgresError, MigrationRefused, StartError]
  return known.some((one) => error instanceof one)
}
