import { userInfo } from 'node:os'
import type { Pool } from '@semel/postgres'
import { printable } from '@semel/runtime'
import {
  type DeadLetter,
  type DeadLetters,
  type LetterFilter,
  outboxAppend,
  postgresDeadLetters,
} from '@semel/topics'
import type { Command } from 'commander'
import { declare, declareShowing, howMany, uuid } from './command-line.ts'
import { operate } from './operate.ts'
import { OperatorError, usageError } from './operator-error.ts'
import { counted, jsonOf, shortened, tableOf } from './print.ts'

type Selection = Readonly<{ group?: string; topic?: string; key?: string; json?: true }>
type ListOptions = Selection & Readonly<{ discarded?: true; limit: number }>
type RedriveOptions = Selection & Readonly<{ all?: true }>
type DiscardOptions = Selection & Readonly<{ reason: string; by: string }>

/** Letters that one command discards, at most: each is a transaction. */
const discardsMax = 10_000
const whoseId =
  "\nAn id is the message's: it means a letter of every group that parked it; add --group.\n"
const exampleId = '5b0c2f4e-94f8-8a39-b7c2-0d5a6f2e8c01'

/** Declares `semel dead-letters` and what is below it. */
export function declareDeadLetters(program: Command): void {
  const letters = declare(program, 'dead-letters', {
    does: 'messages that could not be decided, and what waits behind them under their key',
    examples: [
      ['semel dead-letters ls', 'what is parked, and why'],
      ['semel dead-letters redrive --group billing', 'try it again when the cause is mended'],
    ],
  })
  declareList(letters)
  declareShow(letters)
  declareRedrive(letters)
  declareDiscard(letters)
}

function declareList(letters: Command): void {
  const ls = declareShowing(letters, 'ls', {
    does: 'list letters, what was parked last first',
    examples: [
      ['semel dead-letters ls', 'all that are parked'],
      ['semel dead-letters ls --group billing --json', 'of one group, for programs'],
      ['semel dead-letters ls --discarded', 'those that were discarded too'],
    ],
  })
  withSelection(ls)
    .option('--discarded', 'show those that were discarded too')
    .option('--limit <number>', 'how many at most', howMany, 100)
    .action((options: ListOptions) => operate((pool) => list(pool, options)))
}

function declareShow(letters: Command): void {
  declareShowing(letters, 'show', {
    does: 'show a letter whole: why it was parked, its message, its body',
    examples: [
      [`semel dead-letters show ${exampleId}`, 'by the id that ls shows'],
      [`semel trace ${exampleId}`, 'by the commandId that show tells: where it came from'],
    ],
  })
    .argument('<id>', 'the id of the letter', uuid)
    .action((id: string, { json }: { json?: true }) =>
      operate(async (pool) => {
        const found = await storeOf(pool).show(id)
        if (found.length === 0) throw noLetter(id)
        return json === true ? jsonOf(found.map(viewOf)) : found.map(wholeText).join('\n')
      }),
    )
}

function declareRedrive(letters: Command): void {
  const redrive = declareShowing(letters, 'redrive', {
    does: 'let groups try letters again, in their order, with all that waits behind them',
    examples: [
      [`semel dead-letters redrive ${exampleId}`, 'one, and what is parked under its key'],
      ['semel dead-letters redrive --group billing --topic billing', 'all of a group on a topic'],
      ['semel dead-letters redrive --all', 'all there are'],
    ],
    more: `${whoseId}A redriven message has its old id: what was decided already changes nothing.\n`,
  }).argument('[id]', 'the id of a letter', uuid)
  withSelection(redrive)
    .option('--all', 'all letters')
    .action((id: string | undefined, options: RedriveOptions) =>
      operate((pool) => redriveThem(pool, id, options)),
    )
}

function declareDiscard(letters: Command): void {
  const discard = declareShowing(letters, 'discard', {
    does: 'give letters up for good: their messages are never decided',
    examples: [
      [`semel dead-letters discard ${exampleId} --reason "made by a test"`, 'one'],
      ['semel dead-letters discard --group orders --key k-1 --reason "order is gone"', 'of a key'],
    ],
    more: `${whoseId}What waits behind a discarded letter goes on waiting, until it is redriven.\n`,
  }).argument('[id]', 'the id of a letter', uuid)
  withSelection(discard)
    .requiredOption('--reason <text>', 'why; it is kept with the letter')
    .option('--by <name>', 'who does it; kept too', userInfo().username)
    .action((id: string | undefined, options: DiscardOptions) =>
      operate((pool) => discardThem(pool, id, options)),
    )
}

function withSelection(command: Command): Command {
  return command
    .option('--group <group>', 'those of a group')
    .option('--topic <topic>', 'those from a topic')
    .option('--key <key>', 'those of a partition key')
}

async function list(pool: Pool, options: ListOptions): Promise<string> {
  const { discarded = false, limit: lettersMax, json } = options
  const filter = filterOf(undefined, options)
  const found = await storeOf(pool).list(filter, { discarded, lettersMax })
  // The bodies are left out: an empty one would look like the message's.
  if (json === true) return jsonOf(found.map(viewOf).map(({ body: _, ...rest }) => rest))
  const rows = found.map((letter) => {
    const { topic, partition, position, partitionKey, type } = letter.message
    const place = `${topic}/${partition}/${position}`
    const why = shortened(letter.detail, 48)
    const named = [shortened(partitionKey, 48), shortened(type ?? '', 48)]
    return [letter.id, letter.group, place, ...named, stateOf(letter), letter.reason, why]
  })
  const table = tableOf(
    ['id', 'group', 'place', 'key', 'type', 'state', 'reason', 'detail'],
    rows,
    'No dead letters.',
  )
  if (rows.length === 0 || rows.length < lettersMax) return table
  return `${table}There may be more: --limit ${lettersMax * 10}\n`
}

async function redriveThem(
  pool: Pool,
  id: string | undefined,
  options: RedriveOptions,
): Promise<string> {
  const filter = filterOf(id, options)
  const isEmpty = Object.keys(filter).length === 0
  if (isEmpty && options.all !== true) throw usageError(`${whichOnes}, or --all`)
  if (!isEmpty && options.all === true) throw usageError('--all and a selection exclude each other')
  const redriven = await storeOf(pool).redrive(filter, new Date())
  if (redriven === 0 && id !== undefined) throw noLetter(id)
  if (options.json === true) return jsonOf({ redriven })
  if (redriven === 0) return 'No letters are parked there: nothing was redriven.\n'
  return (
    `${counted(redriven, 'letter')} will be tried again, with all of the same keys, in order.\n` +
    'Their groups begin within a second or so if they run. What is decided then is gone from\n' +
    'the list; what fails again stays, with its reason. Look at: semel dead-letters ls\n'
  )
}

async function discardThem(
  pool: Pool,
  id: string | undefined,
  options: DiscardOptions,
): Promise<string> {
  const filter = filterOf(id, options)
  const [by, why] = [options.by.trim(), options.reason.trim()]
  if (Object.keys(filter).length === 0) throw usageError(whichOnes)
  if (why === '' || by === '') throw usageError('--reason and --by must say something')
  const store = storeOf(pool)
  const at = new Date()
  const discarded = []
  for (const letter of await store.list(filter, { order: 'position', lettersMax: discardsMax })) {
    const { group, id } = letter
    if (await store.discard({ group, id, by, why, at })) discarded.push({ group, id })
  }
  if (discarded.length === 0 && id !== undefined) throw noLetter(id)
  if (options.json === true) return jsonOf({ discarded })
  if (discarded.length === 0) return 'No letters are parked there: nothing was discarded.\n'
  return (
    `${counted(discarded.length, 'letter')} discarded: never decided, and kept for the record.\n` +
    'What waits behind them goes on waiting. Redrive it if it may be decided without them:\n' +
    'semel dead-letters redrive --group … --key …\n'
  )
}

const whichOnes = 'say which letters: an id, or --group, --topic, --key'

function filterOf(id: string | undefined, { group, topic, key }: Selection): LetterFilter {
  const given = { id, group, topic, partitionKey: key }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** Nothing is parked from here, so nothing is ever appended either. */
function storeOf(pool: Pool): DeadLetters {
  return postgresDeadLetters({ pool, append: outboxAppend() })
}

function noLetter(id: string): OperatorError {
  return new OperatorError(
    'not-found',
    `no letter ${id} is parked; semel dead-letters ls --discarded lists all there are`,
  )
}

function stateOf({ discarded, redriveAt }: DeadLetter): 'discarded' | 'redriving' | 'parked' {
  if (discarded !== undefined) return 'discarded'
  return redriveAt === undefined ? 'parked' : 'redriving'
}

function viewOf(letter: DeadLetter) {
  const { id, group, reason, detail, parkedAt, redriveAt, discarded, message } = letter
  const { id: messageId, ...carried } = message
  return {
    ...{ id, group, state: stateOf(letter), reason, detail, parkedAt },
    ...{ redriveAt: redriveAt ?? null, discarded: discarded ?? null },
    ...{ messageId: messageId ?? null, ...carried },
  }
}

function wholeText(letter: DeadLetter): string {
  const { body, discarded, ...rest } = viewOf(letter)
  const lines = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)])
  if (discarded !== null) {
    const { at, by, why } = discarded
    lines.push(['discarded', `${at.toISOString()} by ${by}: ${why}`])
  }
  lines.push(['body', body])
  return lines.map(([name, text]) => `${name!.padEnd(12)}  ${printable(text!)}\n`).join('')
}
