import { type CommandRecord, commandId, guidOf, parseScope } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import type { Pool } from '@semel/postgres'
import { jsonOf, tableOf } from './print.ts'

/** What is asked of the command log. */
export type KeyQuestion = Readonly<{
  /** As the client sent it: a header's key, or an id that it made. */
  key: string
  /** Who sent it. */
  scope: string
  /** The operations that it may have been sent for. */
  operations: readonly string[]
}>

/** What was decided under a key, one entry for every operation it was used for. */
export async function keysDecided(pool: Pool, { key, scope, operations }: KeyQuestion) {
  const asker = parseScope(scope)
  const ids = operations.flatMap((operation) =>
    [`h:${key}`, `i:${key.toLowerCase()}`].map((full) => commandId(asker, operation, full)),
  )
  const store = postgresStore(pool)
  const found = await store.transaction((tx) => store.find(tx, ids))
  return [...found.values()].map(viewOf)
}

/** The same, for people or for programs. */
export async function showKeys(
  pool: Pool,
  question: KeyQuestion,
  { json }: { json: boolean },
): Promise<string> {
  const decided = await keysDecided(pool, question)
  if (json) return jsonOf(decided)
  return tableOf(
    ['operation', 'status', 'decided at', 'replayable until', 'guid', 'command'],
    decided.map((one) => [
      one.operation,
      one.answer?.status,
      one.decidedAt,
      one.replayableUntil,
      one.guid,
      one.commandId,
    ]),
    `Nothing was decided under the key ${question.key} for ${question.scope}.`,
  )
}

function viewOf(record: CommandRecord) {
  const { id, operation, scope, key, answer, decidedAt, replayableUntil } = record
  const { status, headers, body } = answer ?? {}
  const shown = answer === undefined ? null : { status, headers, body: body?.toString() }
  return {
    ...{ commandId: id, guid: guidOf(record), operation, scope, key, decidedAt, replayableUntil },
    answer: shown,
  }
}
