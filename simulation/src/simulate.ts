import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { mutants } from './mutants.ts'
import { missingEvents } from './rare-events.ts'
import { findingsText, mutantRow, progressText } from './report.ts'
import { checkSeed, type Findings, firstFailure } from './seeds.ts'
import { runSeedsOnThreads } from './seeds-pool.ts'

const help = `usage: npm run simulate -- [options]

Runs the whole product in memory under a scheduler that decides by a seed who goes on, what breaks
and when. Each schedule is checked for the invariants of the design when it has settled.

options
  --seeds N        how many schedules (default 1000)
  --from S         the first seed (default 1)
  --threads N      threads to run them on (default: one per processor)
  --seed X         run one schedule and print its hash and what is wrong with it
  --trace          with --seed: print every step
  --mutants        show that deliberate bugs are found, and how many seeds it takes
  --mutant NAME    with --seed or --seeds: run with one of these bugs
  --help           this

examples
  npm run simulate -- --seeds 20000
  npm run simulate -- --seed 4711 --trace
  npm run simulate -- --mutants

The exit code is 1 when an invariant is broken, when a bug is not found, or when in 2000 schedules
or more one of the rare events never happened.
`

class UsageError extends Error {}

type Output = Pick<NodeJS.WriteStream, 'write' | 'isTTY'>

/** Where the command line writes: what was found, and how far it is. */
export type Screens = Readonly<{ out: Output; progress: Output }>

/** So many schedules have each rare event, or the simulation no longer reaches it. */
const enoughSchedules = 2000
const mutantSeedsMax = 2000

/** The command line of the simulation; resolves to the exit code. */
export async function simulate(
  args: readonly string[],
  screens: Screens = { out: process.stdout, progress: process.stderr },
): Promise<number> {
  try {
    const asked = readArguments(args)
    if (asked.help) return say(screens, help, 0)
    if (asked.mutants) return await findMutants(asked, screens)
    if (asked.seed !== undefined) return await replay(asked.seed, asked, screens)
    return await runMany(asked, screens)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    screens.progress.write(`simulate: ${error.message}\n`)
    return 1
  }
}

type Asked = ReturnType<typeof readArguments>

function readArguments(args: readonly string[]) {
  const { values } = parsed(args)
  const { mutant } = values
  if (mutant !== undefined && !Object.hasOwn(mutants, mutant)) {
    throw new UsageError(`no bug is called "${mutant}"; --mutants lists them`)
  }
  return {
    help: values.help ?? false,
    mutants: values.mutants ?? false,
    trace: values.trace ?? false,
    mutant,
    seed: values.seed === undefined ? undefined : numberOf('seed', values.seed, 0),
    from: numberOf('from', values.from ?? '1', 0),
    count: numberOf('seeds', values.seeds ?? '1000', 1),
    threads: numberOf('threads', values.threads ?? String(availableParallelism()), 1),
  }
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ seeds: text, from: text, threads: text, seed: text, mutant: text },
        ...{ trace: flag, mutants: flag, help: flag },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; --help lists the options`)
  }
}

function numberOf(name: string, text: string, min: number): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new UsageError(`--${name} must be a whole number, at least ${min}; "${text}" is not`)
}

async function runMany(asked: Asked, { out, progress }: Screens): Promise<number> {
  const startMs = performance.now()
  const secondsSince = () => (performance.now() - startMs) / 1000
  const findings = await runSeedsOnThreads({
    ...asked,
    onProgress: (soFar) => {
      if (progress.isTTY) {
        progress.write(`\r\u001b[2K${progressText(soFar, asked.count, secondsSince())}`)
      }
    },
  })
  if (progress.isTTY) progress.write('\r\u001b[2K')
  out.write(findingsText(findings, secondsSince(), asked.mutant))
  return findings.failures.length > 0 || lacks(findings) ? 1 : 0
}

function lacks({ schedules, counts }: Findings): boolean {
  return schedules >= enoughSchedules && missingEvents(counts).length > 0
}

async function replay(seed: number, asked: Asked, { out }: Screens): Promise<number> {
  const { violations, steps, hash } = await checkSeed(seed, {
    ...(asked.mutant === undefined ? {} : { mutation: mutants[asked.mutant]! }),
    ...(asked.trace ? { onTrace: (line: string) => void out.write(`${line}\n`) } : {}),
  })
  out.write(`seed ${seed}: ${steps} steps, trace ${hash}\n`)
  for (const violation of violations) out.write(`  ${violation}\n`)
  if (violations.length === 0) out.write('  every invariant holds\n')
  return violations.length > 0 ? 1 : 0
}

async function findMutants({ from }: Asked, { out }: Screens): Promise<number> {
  let missed = 0
  for (const [name, mutation] of Object.entries(mutants)) {
    const failure = await firstFailure({ from, count: mutantSeedsMax }, mutation)
    if (failure === undefined) missed += 1
    out.write(mutantRow(name, from, failure))
  }
  return missed > 0 ? 1 : 0
}

function say({ out }: Screens, text: string, code: number): number {
  out.write(text)
  return code
}
