import type { CommandRecord } from '@semel/commands'
import type { DeadLetter } from '@semel/topics'
import type { End, ServiceEnd } from './history.ts'
import { type Database, type ServiceName, serviceNames } from './services.ts'
import type { World } from './world.ts'

/** What a world has come to, for the invariants. */
export function endOf({ databases, attempts, log }: World, isSettled: boolean): End {
  const rows = <Row>(name: ServiceName, table: string) =>
    [...(databases[name].tables.get(table)?.values() ?? [])] as Row[]
  const services = serviceNames.map((name) => [name, serviceEnd(databases[name])] as const)
  return {
    attempts,
    services: Object.fromEntries(services) as End['services'],
    carried: [...log.topics.values()].flat(),
    orders: rows('orders', 'orders'),
    accounts: rows('billing', 'accounts'),
    notifications: rows('notifications', 'notifications'),
    entries: rows('messages', 'messages'),
    isSettled,
  }
}

/** The dead letters of a service, those that were discarded too. */
export function lettersIn({ tables }: Database): readonly DeadLetter[] {
  return [...(tables.get('dead-letters')?.values() ?? [])] as DeadLetter[]
}

function serviceEnd(database: Database): ServiceEnd {
  const { tables, forgotten, messages, outbox } = database
  // Of a command that was decided anew after its record was dropped, the first time counts.
  const records = new Map([...(tables.get('commands') ?? []), ...forgotten])
  return {
    records: records as Map<string, CommandRecord>,
    messages,
    letters: lettersIn(database),
    unsent: outbox.left.length,
  }
}
