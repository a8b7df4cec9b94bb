import { describeConfig, printable } from '@semel/runtime'
import { CommanderError } from 'commander'
import { declareCheck } from './check/check.ts'
import { createProgram, declare, names } from './command-line.ts'
import { configSchema } from './config.ts'
import { declareConfig } from './config-command.ts'
import { declareDeadLetters } from './dead-letters.ts'
import { exitCodeOf } from './exit-codes.ts'
import { declareKeys } from './keys.ts'
import { declareMigrate } from './migrate-command.ts'
import { surviveOutput } from './output.ts'
import { declareProbe } from './probe-command.ts'
import { declareService } from './service.ts'
import { declareToken } from './token-command.ts'
import { declareTopics } from './topics.ts'
import { declareTrace } from './trace/trace.ts'

const more = `
The other commands look into the database of the system that runs: the embedded one that
SEMEL_DATA names, or the server of DATABASE_URL.

Environment:
${describeConfig(configSchema)}
`
const startExamples = [
  ['npm start', 'the whole system, with a PostgreSQL of its own'],
  ['PORT=8081 npm start', 'on another port'],
  ['SEMEL_DATA=/srv/semel npx semel start', 'with its data elsewhere'],
  ['DATABASE_URL=postgres://me@db/shop npm start', 'with your PostgreSQL'],
  ['npx semel start --only orders,billing', 'some services alone'],
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
})
  .option('--only <names>', 'these services alone, separated by commas', names)
  .action(async ({ only }: { only?: readonly string[] }) => {
    // The server and all its services, which no other command needs.
    const { start } = await import('./start.ts')
    await start(process.env, only)
  })
declareService(program)
declareMigrate(program)
declareConfig(program)
declareToken(program)
declareKeys(program)
declareTopics(program)
declareDeadLetters(program)
declareTrace(program)
declareCheck(program)
declareProbe(program)

surviveOutput(process)
try {
  await program.parseAsync()
} catch (error) {
  const code = exitCodeOf(error)
  if (code === undefined) throw error
  // That help could not be written may be known already.
  process.exitCode ??= code
  if (!(error instanceof CommanderError)) {
    process.stderr.write(`semel: ${printable((error as Error).message)}\n`)
  }
}
