import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apart } from './apart.ts'
import { create } from './create.ts'
import type { CreateOptions } from './create-steps.ts'
import { type Report, replicaSections, type Section, sections } from './report.ts'
import { saga } from './saga.ts'
import type { SagaReport } from './saga-report.ts'
import type { SagaOptions } from './saga-steps.ts'
import { sagaText } from './saga-table.ts'
import { reportText } from './table.ts'

const help = `usage: npm run bench -- <question> [options]

questions
  create   what does a create cost, beside what it is usually done with?
  saga     how many orders settle (charged for, decided, told of), beside careless creates?
  replicas what do more processes of orders on one database bring, and Redis beside them?
  apart    what does it cost to run the services apart, with Kafka between their databases?

options
  --quick            about a minute, to see that all runs; its figures say little
  --seconds N        how long each measurement takes (default 3, sagas 6; quick 1)
  --rounds N         how often each is made, in turn (default 3; quick 1)
  --connections A,B  numbers of connections, rising (default 1,8,64,256; replicas
                     1,64); of sagas one, 256
  --only A,B         of create, some parts: ${sections.join(', ')};
                     of replicas: ${replicaSections.join(', ')}
  --out FILE         where the figures go, as JSON
                     (default benchmarks/results/<question>-<time>.json)
  --help             this

examples
  npm run bench -- create
  npm run bench -- create --quick
  npm run bench -- create --only connections --connections 256 --seconds 10
  npm run bench -- saga
  npm run bench -- apart

The exit code is 1 when a check failed or, under CI=true, when a part was skipped. A target that is
missed is shown, but changes no exit code: it depends on the machine.
`

class UsageError extends Error {}

/** The command line of the benchmarks; resolves to the exit code. */
export async function bench(args: readonly string[]): Promise<number> {
  try {
    const asked = readArguments(args)
    if (asked === undefined) {
      process.stdout.write(help)
      return 0
    }
    return await answer(asked)
  } catch (error) {
    if (error instanceof UsageError) process.stderr.write(`bench: ${error.message}\n`)
    else if (error instanceof Interrupted) process.stderr.write(`\nbench: ${error.message}\n`)
    else throw error
    return 1
  }
}

type Asked = Readonly<{ out: string | undefined }> &
  Readonly<
    | { about: 'creates'; question: keyof typeof creates; options: CreateOptions }
    | { about: 'sagas'; question: keyof typeof sagas; options: SagaOptions }
  >

/** Questions about creates and their repeats, by their parts. */
const creates = { create: sections, replicas: replicaSections }

/** Questions about whole sagas, with one kind of report. */
const sagas = { saga, apart }

class Interrupted extends Error {}

async function answer(asked: Asked): Promise<number> {
  const interrupt = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    interrupt.abort(new Interrupted(`stopped by ${signal} before the end; no figures were kept`))
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const { report, text } = await reportOn(asked, interrupt.signal)
  const file = await keepReport(asked, report)
  process.stdout.write(`${text}figures: ${file}\n`)
  const isComplete = report.skipped.length === 0 || process.env.CI !== 'true'
  return report.faults.length === 0 && isComplete ? 0 : 1
}

async function reportOn(
  asked: Asked,
  signal: AbortSignal,
): Promise<{ report: Report | SagaReport; text: string }> {
  const how = { screen: process.stderr, signal }
  if (asked.about === 'creates') {
    const report = await create(asked.options, how)
    return { report, text: reportText(report) }
  }
  const report = await sagas[asked.question](asked.options, how)
  return { report, text: sagaText(report) }
}

async function keepReport({ question, out }: Asked, report: Report | SagaReport): Promise<string> {
  const name = `${question}-${report.startedAt.replaceAll(/[:.]/g, '-')}.json`
  const file = out ?? fileURLToPath(new URL(`../results/${name}`, import.meta.url))
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
  return file
}

/** Undefined when help was asked for. */
function readArguments(args: readonly string[]): Asked | undefined {
  const { values, positionals } = parsed(args)
  if (values.help === true) return undefined
  const [question = ''] = positionals
  const { out } = values
  if (positionals.length === 1 && (question === 'create' || question === 'replicas')) {
    return { about: 'creates', question, out, options: createOptions(question, values) }
  }
  if (positionals.length === 1 && (question === 'saga' || question === 'apart')) {
    return { about: 'sagas', question, out, options: sagaOptions(question, values) }
  }
  throw new UsageError('name one question; `npm run bench -- --help` lists them')
}

type Values = ReturnType<typeof parsed>['values']

function createOptions(question: keyof typeof creates, values: Values): CreateOptions {
  const quick = values.quick === true
  const ofCreate = quick ? '1,64,256' : '1,8,64,256'
  return {
    sections: sectionsIn(creates[question], values.only),
    rounds: numberIn(values, 'rounds', quick ? 1 : 3),
    seconds: numberIn(values, 'seconds', quick ? 1 : 3),
    connections: connectionsIn(values, question === 'create' ? ofCreate : '1,64'),
    warmUpSeconds: quick ? 1 : 2,
    logRows: quick ? 100_000 : 5_000_000,
    keys: quick ? 2_000 : 10_000,
  }
}

function sagaOptions(question: string, values: Values): SagaOptions {
  const quick = values.quick === true
  if (values.only !== undefined) throw new UsageError(`--only: ${question} has no parts`)
  const connections = connectionsIn(values, '256')
  if (connections.length !== 1) throw new UsageError(`--connections: ${question} takes one number`)
  return {
    rounds: numberIn(values, 'rounds', quick ? 1 : 3),
    seconds: numberIn(values, 'seconds', quick ? 1 : 6),
    connections: connections[0]!,
    warmUpSeconds: quick ? 1 : 3,
  }
}

function numberIn(values: Values, name: 'seconds' | 'rounds', usual: number): number {
  const text = values[name]
  return text === undefined ? usual : wholeNumber(`--${name}`, text, 600)
}

function connectionsIn(values: Values, usual: string): readonly number[] {
  return (values.connections ?? usual)
    .split(',')
    .map((text) => wholeNumber('--connections', text, 1024))
    .toSorted((one, other) => one - other)
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { ...flag, short: 'h' },
        quick: flag,
        seconds: text,
        rounds: text,
        connections: text,
        only: text,
        out: text,
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value
  throw new UsageError(`${option}: "${text}" is no whole number from 1 to ${most}`)
}

function sectionsIn(all: readonly Section[], only: string | undefined): readonly Section[] {
  if (only === undefined) return all
  const names = only.split(',')
  const unknown = names.find((name) => !all.some((section) => section === name))
  if (unknown !== undefined) {
    throw new UsageError(`--only: "${unknown}" is none of ${all.join(', ')}`)
  }
  return all.filter((section) => names.includes(section))
}
