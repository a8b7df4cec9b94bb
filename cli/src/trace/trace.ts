import { guidOf, type Scope } from '@semel/commands'
import { type Pool, queryable } from '@semel/postgres'
import type { Command } from 'commander'
import { declareShowing } from '../command-line.ts'
import { operate } from '../operate.ts'
import { OperatorError } from '../operator-error.ts'
import { jsonOf, tableOf } from '../print.ts'
import { type ScopeOptions, scopeOf, whoseKey, withScope } from '../scope-options.ts'
import { findServices, serviceNames } from '../tables-store.ts'
import { diagramOf } from './diagram.ts'
import { followLife, type Hop } from './life.ts'
import { findRoots, type Root } from './roots.ts'

const example = '5b0c2f4e-94f8-8a39-b7c2-0d5a6f2e8c01'

/** Declares `semel trace`. */
export function declareTrace(program: Command): void {
  const trace = declareShowing(program, 'trace', {
    does: 'show the life of a command, hop by hop: who told whom what, when, and what came of it',
    examples: [
      ['semel trace my-first-order', 'by its key, of the one caller without tokens'],
      [`semel trace k-1 --user ${example}`, 'by the key of a user'],
      [`semel trace ${example}`, 'by the guid of a request, or all that was done to an order'],
    ],
    more:
      '\nOf a dead letter, trace its commandId, which "semel dead-letters show" tells: the\n' +
      'command that told the message. What was forgotten is not found: after 30 days, all.\n',
  }).argument('<what>', 'a guid, the id of a command or an order, or an idempotency key')
  withScope(trace).action((asked: string, options: ScopeOptions & { json?: true }) => {
    const scope = scopeOf(options)
    return operate((pool) => showLife(pool, { asked, scope, json: options.json === true }))
  })
}

async function showLife(
  pool: Pool,
  { asked, scope, json }: { asked: string; scope: Scope | undefined; json: boolean },
): Promise<string> {
  const place = { pool, here: await findServices(queryable(pool)) }
  const elsewhere = serviceNames.filter((service) => !place.here.has(service))
  const unseen = `in this database are no tables of ${elsewhere.join(', ')}`
  const roots = await findRoots(place, asked, scope)
  if (roots.length === 0) {
    const known = elsewhere.length === 0 ? 'nothing is known' : `nothing is known here`
    const more = elsewhere.length === 0 ? '' : `; ${unseen}`
    throw new OperatorError('not-found', `${known} of ${asked}${more}; ${whoseKey}`)
  }
  const hops = await followLife(place, roots)
  const views = roots.map(viewOf).toSorted((one, other) => Number(one.at) - Number(other.at))
  if (json) {
    const timedHops = hops.map((hop) => timed(hop, hops[0]!))
    return jsonOf({ asked, commands: views, hops: timedHops, elsewhere })
  }
  const table = tableOf(
    ['command', 'operation', 'key', 'scope', 'status', 'at', 'guid'],
    views.map((one) => [
      ...[one.commandId, one.operation, one.key, one.scope, one.status, one.at, one.guid],
    ]),
  )
  const note = elsewhere.length === 0 ? '' : `\nNot all of it: ${unseen}.\n`
  return `${table}\n${diagramOf(hops)}${note}`
}

function viewOf({ command, request }: Root) {
  const { scope, operation, key } = command?.operation ? command : (request ?? command!)
  return {
    ...{ commandId: command?.id ?? null, guid: request?.guid ?? guidOf(command!) },
    ...{ scope, operation, key, state: command === undefined ? request?.state : 'answered' },
    status: command?.answer?.status ?? request?.status ?? null,
    at: command?.decidedAt ?? request?.registeredAt ?? null,
  }
}

function timed(hop: Hop, first: Hop) {
  return { ...hop, atMs: Number(hop.at) - Number(first.at) }
}
