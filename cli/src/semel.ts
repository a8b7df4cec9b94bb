import { MigrationRefused } from '@semel/postgres'
import { EmbeddedPostgresError } from '@semel/postgres/embedded'
import { ConfigError, describeConfig } from '@semel/runtime'
import { CommanderError } from 'commander'
import { declareCheck } from './check/check.ts'
import { createProgram, declare } from './command-line.ts'
import { configSchema } from './config.ts'
import { declareDeadLetters } from './dead-letters.ts'
import { declareKeys } from './keys.ts'
import { OperatorError } from './operator-error.ts'
import { StartError } from './start-error.ts'
import { declareTopics } from './topics.ts'
import { declareTrace } from './trace/trace.ts'

const more = `
The other commands look into the database of the system that runs: the embedded one that
SEMEL_DATA names, or the server of DATABASE_URL. Exit codes: 0 fine, 1 a failure or a violation,
2 the command line.

Environment:
${describeConfig(configSchema)}
`
const startExamples = [
  ['npm start', 'the whole system, with a PostgreSQL of its own'],
  ['PORT=8081 npm start', 'on another port'],
  ['SEMEL_DATA=/srv/semel npx semel start', 'with its data elsewhere'],
  ['DATABASE_URL=postgres://me@db/shop npm start', 'with your PostgreSQL'],
] as const

const program = createProgram({
  does: 'An order backend in which every command takes effect exactly once.',
  examples: [...startExamples, ['npx semel check', 'whether all is as it must be']],
  more,
})
declare(program, 'start', {
  does: 'start the whole system in this process and show it on one page',
  examples: startExamples,
  more,
}).action(async () => {
  // The server and all its services, which no other command needs.
  const { start } = await import('./start.ts')
  await start(process.env)
})
declareKeys(program)
declareTopics(program)
declareDeadLetters(program)
declareTrace(program)
declareCheck(program)

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  // Help was asked for, or is what is shown where a command is missing.
  if (!(error instanceof CommanderError)) {
    process.stderr.write(`semel: ${(error as Error).message}\n`)
  }
}

/** What a user can mend is one line. Everything else is a bug, and its stack is wanted. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof OperatorError) return error.code === 'usage' ? 2 : 1
  const known = [ConfigError, EmbeddedPostgresError, MigrationRefused, StartError]
  if (known.some((one) => error instanceof one)) return 1
  throw error
}
