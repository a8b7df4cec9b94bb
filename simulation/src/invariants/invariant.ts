import type { Command, CommandRecord } from '@semel/commands'
import type { End } from '../history.ts'

/** What is wrong with the end of a schedule, in words; nothing if the invariant holds. */
export type Invariant = (end: End) => readonly string[]

/** What names a command for its client: not its id, which is the product's own affair. */
export function nameOf({ scope, operation, key }: Asked): string {
  return `${scope} ${operation} ${key}`
}

type Asked = Readonly<{ scope: string; operation: string; key: string }>

/** What clients asked for, as it is recorded, by its name. */
export function recordsByName(end: End): ReadonlyMap<string, CommandRecord> {
  const records = [...clientRecords(end, 'orders'), ...clientRecords(end, 'billing')]
  return new Map(records.map((record) => [nameOf(record), record]))
}

/** Records of what clients asked of a service; what services ask of each other is left out. */
export function clientRecords(end: End, service: 'orders' | 'billing'): readonly CommandRecord[] {
  return [...end.services[service].records.values()].filter(({ scope }) => !scope.startsWith('@'))
}

/** The request that was decided, of all that came under a record's key; if it is known. */
export function requestOf(end: End, record: CommandRecord): Command | undefined {
  const found = end.attempts.find(
    ({ command }) =>
      nameOf(command) === nameOf(record) &&
      command.fingerprint.hash.equals(record.fingerprint.hash),
  )
  return found?.command
}

/** What a record was answered: its status and its body. */
export function answerOf({ answer }: CommandRecord): { status: number; body: AnswerBody } {
  return { status: answer!.status, body: JSON.parse(answer!.body.toString()) }
}

/** The members of answers that invariants look at. */
export type AnswerBody = Readonly<{ id?: string; version?: number; status?: unknown }>
