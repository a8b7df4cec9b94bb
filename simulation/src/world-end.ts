import type { CommandRecord } from '@semel/commands'
import type { DeadLetter } from '@semel/topics'
import type { End, ServiceEnd } from './history.ts'
import type { Database, ServiceName, ServiceParts } from './services.ts'
import type { World } from './world.ts'

/** What a world has come to, for the invariants. */
export function endOf(world: World, isSettled: boolean): End {
  const { databaseOf, services, attempts, log } = world
  const rows = <Row>(name: ServiceName, table: string) =>
    [...(databaseOf[name].tables.get(table)?.values() ?? [])] as Row[]
  const ends = services.map((parts) => [parts.name, serviceEnd(world, parts)] as const)
  return {
    attempts,
    services: Object.fromEntries(ends) as End['services'],
    carried: [...log.topics.values()].flat(),
    orders: rows('orders', 'orders'),
    accounts: rows('billing', 'accounts'),
    notifications: rows('notifications', 'notifications'),
    entries: rows('messages', 'messages'),
    isSettled,
  }
}

/** The dead letters in a database, those that were discarded too. */
export function lettersIn({ tables }: Database): readonly DeadLetter[] {
  return [...(tables.get('dead-letters')?.values() ?? [])] as DeadLetter[]
}

/** What is a service's own, of what it may share with others. */
function serviceEnd(world: World, { name, contracts }: ServiceParts): ServiceEnd {
  const database = world.databaseOf[name]
  const { tables, forgotten, messages } = database
  const operations = new Set(contracts.map(({ operation }) => operation))
  // Of a command that was decided anew after its record was dropped, the first time counts.
  const all = new Map([...(tables.get('commands') ?? []), ...forgotten]) as Map<
    string,
    CommandRecord
  >
  return {
    records: new Map([...all].filter(([, { operation }]) => operations.has(operation))),
    messages: messages.filter(({ source }) => source === name),
    letters: lettersIn(database).filter(({ group }) => group === name),
    unsent: world.unsentIn(database),
  }
}
