import { guidOf, type Message } from '@semel/commands'
import { type Delivered, reactionKey } from '@semel/topics'
import type { End } from '../history.ts'
import type { ServiceName } from '../services.ts'
import { clientRecords, type Invariant } from './invariant.ts'

/** I6: what is told was decided, and what was decided is told. */
export const messageWithCommit: Invariant = (end) => {
  const untold: string[] = []
  for (const service of ['orders', 'billing'] as const) {
    const { records, messages } = end.services[service]
    const ended = new Set(messages.filter(is('message-answered')).map(({ body }) => guidIn(body)))
    untold.push(
      ...messages
        .filter(({ type, commandId }) => type !== 'dead-lettered' && !records.has(commandId))
        .map(({ type, id }) => `${type} ${id}: told of what was never decided`),
      ...clientRecords(end, service)
        .filter((record) => !ended.has(guidOf(record)))
        .map(({ operation, key }) => `${operation} ${key}: decided, and nobody was told`),
    )
  }
  const wanted = tellersOf(end.services.orders.messages.filter(is('charge-wanted')))
  const decided = tellersOf(end.services.billing.messages.filter(is('charge-decided')))
  const decisions = end.accounts
    .flatMap(({ charges }) => [...charges.values()].flatMap((charge) => charge.decisions))
    .filter(({ outcome }) => outcome !== 'released')
  return [
    ...untold,
    ...end.orders.flatMap(({ id, version }) =>
      missing(
        wanted,
        'charge-wanted',
        upTo(version).map((each) => `${id} ${each}`),
      ),
    ),
    ...missing(
      decided,
      'charge-decided',
      decisions.map(({ orderId, version }) => `${orderId} ${version}`),
    ),
  ]
}

/** By order and version, the commands that tell of it; one that was forgotten tells again. */
function tellersOf(messages: readonly Message[]): Map<string, Set<string>> {
  const told = new Map<string, Set<string>>()
  for (const { commandId, body } of messages) {
    const { orderId, version } = body as { orderId: string; version: number }
    const name = `${orderId} ${version}`
    told.set(name, (told.get(name) ?? new Set()).add(commandId))
  }
  return told
}

function missing(told: Map<string, Set<string>>, type: string, names: readonly string[]): string[] {
  return names
    .filter((name) => told.get(name)?.size !== 1)
    .map((name) => `${type} of ${name}: told by ${told.get(name)?.size ?? 0} commands`)
}

/** I7: what was told is carried, and whoever reads it has decided about it or parked it. */
export const nothingLost: Invariant = (end) => {
  const carried = new Set(end.carried.flat().map(({ id, topic }) => `${topic} ${id}`))
  const services = Object.entries(end.services) as [ServiceName, End['services'][ServiceName]][]
  const unsent = services.flatMap(([name, { messages, unsent }]) => [
    ...(unsent === 0 ? [] : [`${name} has ${unsent} messages to send`]),
    ...messages
      .filter(({ topic, id }) => !carried.has(`${topic} ${id}`))
      .map(({ type, id }) => `${type} ${id} was told by ${name}, and not carried`),
  ])
  const known = new Map(services.map(([name, service]) => [name, knownTo(name, service)]))
  const undecided = end.carried.flat().flatMap((message) =>
    readersOf(message)
      .filter(({ reader, name }) => !known.get(reader)!.has(name))
      .map(({ reader }) => `${message.type} ${message.id} is lost to ${reader}`),
  )
  return [...unsent, ...undecided]
}

function knownTo(
  reader: ServiceName,
  { records, letters }: End['services'][ServiceName],
): ReadonlySet<string> {
  return new Set([
    ...records.keys(),
    ...[...records.values()].map(({ operation, key }) => `${operation} ${key}`),
    ...letters.flatMap(({ message }) => [message.commandId!, reaction(reader, message).name]),
  ])
}

/** Who decides about a message, and under which name. */
function readersOf(message: Delivered): readonly { reader: ServiceName; name: string }[] {
  switch (message.type) {
    case 'charge-wanted':
      return [reaction('billing', message)]
    case 'charge-decided':
      return [reaction('orders', message)]
    case 'notification-wanted':
      return [reaction('notifications', message)]
    case 'message-answered':
      return [reaction('messages', message)]
    case 'dead-lettered':
      return []
    default:
      return readersOfCommand(message)
  }
}

function readersOfCommand(message: Delivered) {
  const { topic, scope, commandId } = message
  const decider = { reader: topic === 'order' ? 'orders' : 'billing', name: commandId! } as const
  // What the operator's scope sends here is nonsense, which the registry does not list.
  if (scope === 'local/operator') return [decider]
  return [decider, reaction('messages', { ...message, type: 'request-seen' })]
}

/** By its name a reader knows that it has reacted to a message. */
function reaction(reader: ServiceName, { type, id }: Pick<Delivered, 'type' | 'id'>) {
  return { reader, name: `${type} ${reactionKey(reader, id!)}` }
}

/** I8: per order billing only goes upward; per partition key nothing overtakes. */
export const neverBack: Invariant = (end) => [
  ...end.accounts.flatMap(({ charges }) =>
    [...charges.values()]
      .filter(({ decisions }) => !rises(decisions.map(({ version }) => version)))
      .map(({ orderId }) => `billing went back on ${orderId}`),
  ),
  ...end.accounts
    .flatMap((account) => (account.status === 'open' ? account.entries : []))
    .filter(
      (entry, index, all) =>
        entry.orderId !== undefined && all.slice(0, index).some((before) => isLater(before, entry)),
    )
    .map(({ id }) => `entry ${id} is of an older version than one before it`),
  ...overtaken(end),
]

function isLater(
  before: { orderId: string | undefined; orderVersion: number | undefined },
  entry: { orderId: string | undefined; orderVersion: number | undefined },
): boolean {
  return before.orderId === entry.orderId && before.orderVersion! >= entry.orderVersion!
}

/**
 * Of messages that came by topic alone, a later one of the same key was decided first. What was
 * carried in two partitions stands at the seam of a changed partition count, where order ends.
 */
function overtaken(end: End): string[] {
  const asked = new Set<string>(
    end.attempts
      .filter(({ way, isAskedAgain }) => way === 'at-once' || isAskedAgain)
      .map(({ command }) => command.id),
  )
  const partitions = new Map<string, Set<readonly Delivered[]>>()
  for (const messages of end.carried) {
    for (const { id } of messages) {
      partitions.set(id!, (partitions.get(id!) ?? new Set()).add(messages))
    }
  }
  return end.carried.flatMap((messages) => {
    const service = serviceOf(messages[0]?.topic)
    if (service === undefined) return []
    const last = new Map<string, number>()
    const firsts = new Map(messages.toReversed().map((message) => [message.id!, message]))
    const ordered = [...firsts.values()].toSorted((one, other) => one.position - other.position)
    return ordered.flatMap((message) => {
      const { partitionKey, id, type } = message
      const record = recordBehind(end, service, message)
      const isOnlyHere = record !== undefined && !asked.has(record.id)
      if (!isOnlyHere || partitions.get(id!)!.size > 1) return []
      const decidedAt = record.decidedAt.getTime()
      const before = last.get(partitionKey) ?? 0
      last.set(partitionKey, Math.max(decidedAt, before))
      return decidedAt < before ? [`${type} ${id} overtook another`] : []
    })
  })
}

function serviceOf(topic: string | undefined): ServiceName | undefined {
  if (topic === 'order') return 'orders'
  return topic === 'billing' ? 'billing' : undefined
}

function recordBehind(
  { services }: End,
  service: ServiceName,
  { commandId, type, id }: Pick<Delivered, 'commandId' | 'type' | 'id'>,
) {
  const { records } = services[service]
  const isEvent = type === 'charge-wanted' || type === 'charge-decided'
  if (!isEvent) return records.get(commandId!)
  const key = reactionKey(service, id!)
  return [...records.values()].find((record) => record.operation === type && record.key === key)
}

/** I9: a consumer's effect is there once, whatever number of messages asked for it. */
export const consumedOnce: Invariant = (end) => {
  const entries = end.accounts.flatMap((one) => (one.status === 'open' ? one.entries : []))
  const moved = entries.filter(({ orderId }) => orderId !== undefined)
  return [
    ...twice(
      'entries',
      entries.map(({ id }) => id),
    ),
    ...twice(
      'charges',
      moved.map(({ orderId, orderVersion }) => `${orderId} ${orderVersion}`),
    ),
    ...twice(
      'notifications',
      end.notifications.map(({ orderId, orderVersion }) => `${orderId} ${orderVersion}`),
    ),
    ...twice(
      'requests',
      end.entries.map(({ guid }) => guid),
    ),
  ]
}

function twice(what: string, names: readonly string[]): string[] {
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `${what}: ${name} twice`)
}

function rises(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!)
}

function is(type: string): (message: Message) => boolean {
  return (message) => message.type === type
}

function guidIn(body: unknown): string {
  return (body as { guid: string }).guid
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index + 1)
}
