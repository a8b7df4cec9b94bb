import { type CommandRecord, commandId, guidOf, serviceScope } from '@semel/commands'
import { type Pool, queryable } from '@semel/postgres'
import { letterId, messageReactedTo, relayGroup } from '@semel/topics'
import { findCommands } from '../keys.ts'
import { readPositions } from '../outbox-store.ts'
import { deciderOf, judgedBy, readersOf } from '../readings.ts'
import type { ServiceName } from '../tables-store.ts'
import type { Place, Root } from './roots.ts'
import { findLetters, findMessages, findTold, type LetterRow, type ToldMessage } from './sql.ts'

/** One step of a life: who told whom what, when, and what came of it. */
export type Hop = Readonly<{
  at: Date
  from: string
  to: string
  /** The operation or the type of event, and what matters of its body. */
  what: string
  outcome:
    | 'answered'
    | 'accepted'
    | 'decided'
    | 'waiting'
    | 'sent'
    | 'parked'
    | 'discarded'
    | 'undecided'
  /** For people: the status, the reason, how many wait before it. */
  detail: string
  decidedAt: Date | null
  commandId: string | null
  message: Readonly<{ id: string; topic: string; partition: number; position: number }> | null
}>

/** Where causes are looked for: commands and parkings, with the moment at which they told. */
type Cause = Readonly<{ id: string; decidedAt: Date }>

const hopsDeep = 12
const messagesMax = 1000
const carriedWithinMs = 10_000

/** Follows the life of roots, from hop to hop; each takes the same few statements for all. */
export async function followLife(
  { pool, here }: Place,
  roots: readonly Root[],
): Promise<readonly Hop[]> {
  const carriers = await findCarriers(pool, roots)
  const hops = roots.flatMap((root) => beginning(root, carriers))
  const first = await hopsOf({ pool, here }, carriers)
  hops.push(...first.hops)
  const seen = new Set<string>()
  const decided = roots.flatMap(({ command }) => (command === undefined ? [] : [command]))
  let causes: readonly Cause[] = [...decided, ...first.causes]
  for (let deep = 0; causes.length > 0 && deep < hopsDeep; deep += 1) {
    const fresh = [...new Map(causes.map((one) => [one.id, one])).values()].filter(
      ({ id }) => !seen.has(id),
    )
    for (const { id } of fresh) seen.add(id)
    const told = await findTold(queryable(pool), fresh, messagesMax)
    const next = await hopsOf({ pool, here }, told)
    hops.push(...next.hops)
    causes = next.causes
  }
  return hops.toSorted((one, other) => Number(one.at) - Number(other.at))
}

/**
 * The messages that carried requests. Their time is that of the request: shortly before the
 * registry first heard of it, which may have been by its end, and before the decision.
 */
function findCarriers(pool: Pool, roots: readonly Root[]): Promise<readonly ToldMessage[]> {
  const wanted = roots.flatMap(({ command, request }) => {
    const id = request?.guid ?? guidOf(command!)
    const moments = [request?.registeredAt, command?.decidedAt].filter((at) => at !== undefined)
    return moments.map((until) => {
      return { id, from: new Date(Number(until) - carriedWithinMs), until }
    })
  })
  return findMessages(queryable(pool), wanted)
}

/** How a request came in: carried by a topic, or straight to its service. */
function beginning({ command, request }: Root, carriers: readonly ToldMessage[]): Hop[] {
  const guid = request?.guid ?? guidOf(command!)
  const operation = command?.operation || request?.operation || 'a command'
  const carrier = carriers.find(({ id }) => id === guid)
  const none = { decidedAt: null, commandId: null, message: null }
  if (carrier !== undefined) {
    const accepted = { outcome: 'accepted', detail: 'accepted 202' } as const
    return [
      { at: carrier.toldAt, from: 'client', to: 'gateway', what: operation, ...accepted, ...none },
    ]
  }
  const to = deciderOf(operation) ?? 'gateway'
  if (command === undefined) {
    const status = request?.status ?? undefined
    const outcome = status === undefined ? 'undecided' : 'answered'
    const detail = status === undefined ? (request?.state ?? '') : `answered ${status}`
    const at = request?.registeredAt ?? new Date(0)
    return [{ at, from: 'client', to, what: operation, outcome, detail, ...none }]
  }
  const { decidedAt, id, answer, scope, key } = command
  if (messageReactedTo(command) !== undefined) {
    // Its message is not here: it was told by another database, or is no longer kept.
    const [from, to] = [scope.slice(1), key.slice(0, key.indexOf(':'))]
    const ended = { outcome: 'decided', detail: 'decided', decidedAt, commandId: id } as const
    return [{ at: decidedAt, from, to, what: operation, ...ended, message: null }]
  }
  const detail = answer === undefined ? 'answered, no longer kept' : `answered ${answer.status}`
  const decided = { decidedAt, commandId: id, message: null, outcome: 'answered', detail } as const
  return [{ at: decidedAt, from: 'client', to, what: operation, ...decided }]
}

/** What became of messages at every group that reads them, and what was caused by that. */
async function hopsOf(
  { pool, here }: Place,
  messages: readonly ToldMessage[],
): Promise<{ hops: readonly Hop[]; causes: readonly Cause[] }> {
  const arrivals = messages.flatMap((message) =>
    readersOf(message.topic).flatMap((group) => {
      const judged = judgedBy(group, message)
      if (judged.kind === 'skip') return []
      const id = judged.kind === 'command' ? judged.command.id : undefined
      return [{ message, group, id, letterId: letterId(message) }]
    }),
  )
  if (arrivals.length === 0) return { hops: [], causes: [] }
  const [commands, letters, positions] = await Promise.all([
    findCommands(pool, [...new Set(arrivals.flatMap(({ id }) => id ?? []))]),
    findLetters(
      queryable(pool),
      arrivals.map(({ group, letterId: id }) => ({ group, id })),
    ),
    readPositions(queryable(pool)),
  ])
  const commandOf = new Map<string, CommandRecord>(commands.map((one) => [one.id, one]))
  const letterOf = new Map(letters.map((one) => [`${one.group} ${one.id}`, one]))
  const hops = arrivals.map(({ message, group, id, letterId }) => {
    const positionOf = (reader: string) =>
      positions.find((one) => isAt(one, reader, message))?.position
    const [read, copied] = [positionOf(group), positionOf(relayGroup)]
    const isHere = here.has(group as ServiceName)
    const command = id === undefined ? undefined : commandOf.get(id)
    const letter = letterOf.get(`${group} ${letterId}`)
    return hopOf(
      message,
      group,
      becameOf(message, { group, command, letter, read, copied, isHere }),
    )
  })
  const parkings = letters.map(({ group, id, parkedAt }) => ({
    id: commandId(serviceScope(group), 'dead-letter', id),
    decidedAt: parkedAt,
  }))
  // A request whose key was used for another one caused nothing of what that one did.
  const caused = new Set(hops.map(({ commandId }) => commandId))
  return { hops, causes: [...commands.filter(({ id }) => caused.has(id)), ...parkings] }
}

const reused = 'refused, its key was used for another request'

function hopOf(message: ToldMessage, to: string, became: Became): Hop {
  const { toldAt: at, source: from, type, body, id, topic, partition, position } = message
  const what = [type, ...gistOf(body)].join(' ')
  return { at, from, to, what, ...became, message: { id, topic, partition, position } }
}

type Became = Pick<Hop, 'outcome' | 'detail' | 'decidedAt' | 'commandId'>

function becameOf(
  { position, id: messageId, source }: ToldMessage,
  found: Readonly<{
    group: string
    command: CommandRecord | undefined
    letter: LetterRow | undefined
    /** How far the group has read this outbox; undefined where it never did. */
    read: number | undefined
    /** How far this outbox is copied to Kafka; undefined where it never was. */
    copied: number | undefined
    isHere: boolean
  }>,
): Became {
  const { group, command, letter, read, copied, isHere } = found
  if (command !== undefined) {
    const { decidedAt, id: commandId, answer, scope } = command
    if (
      source === 'gateway' &&
      scope !== '' &&
      !scope.startsWith('@') &&
      guidOf(command) !== messageId
    ) {
      return { outcome: 'answered', detail: reused, decidedAt: null, commandId: null }
    }
    const isClients = scope !== '' && !scope.startsWith('@')
    const verb = group === 'messages' ? 'noted' : 'decided'
    const detail = isClients && answer !== undefined ? `${verb} ${answer.status}` : verb
    return { outcome: 'decided', detail, decidedAt, commandId }
  }
  const nothing = { decidedAt: null, commandId: null }
  if (letter?.isDiscarded) return { outcome: 'discarded', detail: 'discarded', ...nothing }
  if (letter !== undefined) {
    return { outcome: 'parked', detail: `parked: ${letter.reason}`, ...nothing }
  }
  if (read === undefined && copied !== undefined && position < copied) {
    const detail = isHere ? 'sent to Kafka, not decided yet' : 'sent to Kafka'
    return { outcome: 'sent', detail, ...nothing }
  }
  const next = read ?? copied ?? 0
  if (position >= next) {
    const verb = read === undefined && copied !== undefined ? 'sent' : 'read'
    const detail = `not ${verb} yet, ${position - next} before it`
    return { outcome: 'waiting', detail, ...nothing }
  }
  return { outcome: 'undecided', detail: 'read, not decided or forgotten since', ...nothing }
}

/** What matters of a body, in a few words; nothing of one that is not as it should be. */
function gistOf(body: string): string[] {
  try {
    const { version, orderVersion, outcome, reason, kind, amount, response } = JSON.parse(body)
    const numbers = [version ?? orderVersion].filter(Number.isInteger).map((each) => `v${each}`)
    const words = [amount, outcome, kind, reason, response?.status]
    return [...numbers, ...words.flatMap((word) => (isShort(word) ? [String(word)] : []))]
  } catch {
    // Not JSON, or null: there is no gist, and the hop says that it was parked.
    return []
  }
}

function isShort(word: unknown): word is string | number {
  return typeof word === 'number' || (typeof word === 'string' && word.length <= 40)
}

function isAt(
  one: Readonly<{ group: string; topic: string; partition: number }>,
  group: string,
  { topic, partition }: ToldMessage,
): boolean {
  return one.group === group && one.topic === topic && one.partition === partition
}
