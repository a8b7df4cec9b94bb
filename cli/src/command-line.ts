import { isUuid } from '@semel/contract'
import { exitCodes } from '@semel/runtime'
import { Command, type CommanderError, InvalidArgumentError } from 'commander'
import { usageError } from './operator-error.ts'

/** How a command is described: what it does, and examples with what they are for. */
export type Described = Readonly<{
  does: string
  examples: readonly (readonly [command: string, meaning: string])[]
  /** What else its help says, behind the examples. */
  more?: string
}>

/** The root of the command line: its faults are errors, never a process that ends. */
export function createProgram(described: Described): Command {
  return describe(new Command('semel'), described)
}

/** Declares a command below another one. */
export function declare(parent: Command, name: string, described: Described): Command {
  return describe(parent.command(name), described)
}

/** The same, of a command that shows something: it has `--json`. */
export function declareShowing(parent: Command, name: string, described: Described): Command {
  return declare(parent, name, described).option('--json', 'for programs: one JSON document')
}

/** Reads an argument as a whole number from 0 on. */
export function wholeNumber(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

/** Reads an argument as a number of things to show: one at least. */
export function howMany(text: string): number {
  const value = wholeNumber(text)
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.')
  return value
}

/** Reads an argument as names that commas separate. */
export function names(text: string): readonly string[] {
  const found = text.split(',').map((name) => name.trim())
  if (found.includes('')) throw new InvalidArgumentError('It must be names with commas between.')
  return found
}

/** Reads an argument as a UUID, in lower case. */
export function uuid(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('It must be a UUID.')
  return text.toLowerCase()
}

function describe(command: Command, { does, examples, more = '' }: Described): Command {
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, meaning]) => `  ${line.padEnd(width)}  ${meaning}\n`)
  return command
    .description(does)
    .allowExcessArguments(false)
    .addHelpText('after', `\nExamples:\n${lines.join('')}${more}\n${exitTable()}`)
    .configureOutput({ outputError: () => {} })
    .exitOverride((error) => {
      throw error.code.startsWith('commander.help') ? error : usageError(told(command, error))
    })
}

function exitTable(): string {
  const rows = Object.values(exitCodes).map(
    ({ code, means }) => `  ${String(code).padStart(3)}  ${means}\n`,
  )
  return `Exit codes, of every command:\n${rows.join('')}`
}

/** One line: what is wrong, what is known, and where the rest is. */
function told(command: Command, { message, code }: CommanderError): string {
  const said = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  return `${said} (${known(command, code)}; see ${nameOf(command)} --help)`
}

function known(command: Command, code: string): string {
  const commands = command.commands.map((one) => one.name())
  if (code === 'commander.unknownCommand') return `known are ${commands.join(', ')}`
  const flags = command.options.map(({ flags }) => flags)
  const given = command.registeredArguments.map((one) => `<${one.name()}>`)
  const parts = [...commands, ...given, ...flags]
  return parts.length === 0 ? 'it takes none' : `known are ${parts.join(', ')}`
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}
