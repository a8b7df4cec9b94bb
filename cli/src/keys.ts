import {
  type CommandId,
  type CommandRecord,
  commandId,
  guidOf,
  localOperator,
  type Scope,
} from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { isUuid, lowerUuid } from '@semel/contract'
import { commands } from '@semel/contracts/catalogue'
import type { Pool } from '@semel/postgres'
import type { Command } from 'commander'
import { declare, declareShowing } from './command-line.ts'
import { operate } from './operate.ts'
import { OperatorError } from './operator-error.ts'
import { jsonOf, tableOf } from './print.ts'
import { type ScopeOptions, scopeOf, whoseKey, withScope } from './scope-options.ts'

const example = '7c9e6679-7425-40de-944b-e07fc1f90ae7'

/** Declares `semel keys get`. */
export function declareKeys(program: Command): void {
  const keys = declare(program, 'keys', {
    does: 'look up what was decided under an idempotency key',
    examples: [['semel keys get my-first-order', 'of the one caller without tokens']],
  })
  const get = declareShowing(keys, 'get <key>', {
    does: 'show what was decided under a key, for every operation that it was used for',
    examples: [
      ['semel keys get my-first-order', 'of the one caller without tokens'],
      [`semel keys get my-first-order --user ${example}`, 'of a user'],
      ['semel keys get k-1 --operator ops --tenant https://id.shop --json', 'of an operator'],
    ],
  })
  withScope(get).action((key: string, options: ScopeOptions & { json?: true }) => {
    const scope = scopeOf(options) ?? localOperator
    return operate((pool) => showKeys(pool, { key, scope }, options.json === true))
  })
}

/**
 * The ids that a key may stand for, of every operation of a client: as a header's key, or as an id
 * that the client made.
 */
export function idsOfKey(scope: Scope, key: string): readonly CommandId[] {
  const ofHeader = `h:${lowerUuid(key)}`
  return commands.flatMap(({ operation, clientMadeId }) => [
    commandId(scope, operation, ofHeader),
    ...(clientMadeId === undefined ? [] : [commandId(scope, operation, `i:${key.toLowerCase()}`)]),
  ])
}

/** Finds decided commands by their ids. */
export async function findCommands(
  pool: Pool,
  ids: readonly string[],
): Promise<readonly CommandRecord[]> {
  const store = postgresStore(pool)
  const found = await store.transaction((tx) => store.find(tx, ids as readonly CommandId[]))
  return [...found.values()]
}

async function showKeys(
  pool: Pool,
  { key, scope }: { key: string; scope: Scope },
  json: boolean,
): Promise<string> {
  const found = await findCommands(pool, idsOfKey(scope, key))
  if (found.length === 0) {
    throw new OperatorError(
      'not-found',
      `nothing was decided under the key ${key} for ${scope}, or it was forgotten since; ` +
        `${whoseKey}${isUuid(key) ? '; ids of orders and requests are for semel trace' : ''}`,
    )
  }
  const decided = found.map(viewOf)
  if (json) return jsonOf(decided)
  return tableOf(
    ['operation', 'status', 'decided at', 'replayable until', 'guid', 'command'],
    decided.map((one) => [
      one.operation,
      one.answer?.status ?? 'expired',
      one.decidedAt,
      one.replayableUntil,
      one.guid,
      one.commandId,
    ]),
  )
}

/** A tombstone knows neither its operation nor its key any more: both are empty. */
function viewOf(record: CommandRecord) {
  const { id, operation, scope, key, answer, decidedAt, replayableUntil } = record
  const shown =
    answer === undefined
      ? null
      : { status: answer.status, headers: answer.headers, body: answer.body.toString() }
  return {
    ...{ commandId: id, guid: guidOf(record), operation, scope, key, decidedAt, replayableUntil },
    answer: shown,
  }
}
