import type { Queryable } from '@semel/postgres'
import { type Delivered, letterId } from '@semel/topics'
import { findNeither, type Place, readMessages, readPositions } from '../outbox-store.ts'
import { judgedBy, readersOf } from '../readings.ts'
import type { Fault } from './sql.ts'

/** What was looked at, and what was wrong with it. */
export type Found = Readonly<{ checked: number; faults: readonly Fault[] }>

const pageRows = 2000

/**
 * Checks that every message which a group has read was decided by it, or is its dead letter: reads
 * the whole outbox, a page at a time, as the group's consumer would.
 */
export async function checkReadMessages(db: Queryable, faultsMax: number): Promise<Found> {
  const positions = new Map(
    (await readPositions(db)).map((one) => [placeName(one.group, one), one.position]),
  )
  const faults: Fault[] = []
  let checked = 0
  let behind: Place = { topic: '', partition: 0, position: -1 }
  while (faults.length < faultsMax) {
    const page = await readMessages(db, behind, pageRows)
    if (page.length === 0) break
    behind = page.at(-1)!
    const expected = page.flatMap((message) => expectedOf(message, positions))
    checked += expected.length
    for (const at of await findNeither(db, expected)) faults.push(faultOf(expected[at]!))
  }
  return { checked, faults: faults.slice(0, faultsMax) }
}

type Expected = Readonly<{
  group: string
  commandId: string | null
  letterId: string
  message: Delivered
}>

function expectedOf(message: Delivered, positions: ReadonlyMap<string, number>): Expected[] {
  return readersOf(message.topic).flatMap((group) => {
    const read = positions.get(placeName(group, message)) ?? 0
    if (message.position >= read) return []
    const judged = judgedBy(group, message)
    if (judged.kind === 'skip') return []
    const commandId = judged.kind === 'command' ? judged.command.id : null
    return [{ group, commandId, letterId: letterId(message), message }]
  })
}

function faultOf({ group, commandId, message }: Expected): Fault {
  const { topic, partition, position, type } = message
  const decided = commandId === null ? '' : `decided as command ${commandId}, or `
  return {
    id: `${topic}/${partition}/${position}`,
    is: `${type} was read by ${group}, and neither decided nor parked`,
    shouldBe: `${decided}parked`,
  }
}

function placeName(group: string, { topic, partition }: Omit<Place, 'position'>): string {
  return `${group} ${topic}/${partition}`
}
