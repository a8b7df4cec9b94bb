import type { MemoryDatabase } from '@semel/commands/memory'
import {
  type DeadLetter,
  type DeadLetters,
  deadLettered,
  type LetterFilter,
  type Parking,
} from './dead-letters.ts'

const letterTable = 'dead-letters'

/** `taken`: by a redrive that is not settled yet. */
type Row = DeadLetter & Readonly<{ taken: boolean }>

/**
 * Dead letters in a memory database, for tests and simulation. Each call is one step: nothing comes
 * in between. It passes the same suite as the PostgreSQL store.
 */
export function memoryDeadLetters(database: MemoryDatabase): DeadLetters {
  const table = tableOf(database)
  const { rows, active, change } = table
  return {
    async standing(_tx, group, { topic, partition, partitionKeys, ids }) {
      const fronts = new Map<string, number>()
      const inTheWay = active()
        .filter((letter) => letter.group === group && letter.message.topic === topic)
        .filter(({ message }) => partitionKeys.includes(message.partitionKey))
      for (const { message } of inTheWay) {
        const at = message.partition === partition ? message.position : -1
        const first = fronts.get(message.partitionKey) ?? at
        fronts.set(message.partitionKey, Math.min(first, at))
      }
      const known = new Set(ids.filter((id) => rows().has(nameOf({ group, id }))))
      return { fronts, known, redriveWanted: inTheWay.some(({ redriveAt }) => redriveAt) }
    },
    async park(group, letters, parkedAt) {
      const stored = active()
      const aheadOf = ({ message }: Parking) => stored.find((one) => isUnder(one, group, message))
      const settled = letters.filter((one) => !one.behindStored || aheadOf(one) !== undefined)
      for (const parking of settled) {
        if (rows().has(nameOf({ group, id: parking.id }))) continue
        const { behindStored, ...letter } = parking
        const redriveAt = aheadOf(parking)?.redriveAt
        const row = { group, ...letter, parkedAt, redriveAt, discarded: undefined, taken: false }
        rows().set(nameOf(row), row)
        const copy = deadLettered(group, parking, parkedAt)
        if (copy !== undefined) database.messages.push(copy)
      }
      return settled.length === letters.length
    },
    async keysToRedrive(group, keysMax) {
      const marked = active()
        .filter((letter) => letter.group === group && letter.redriveAt !== undefined)
        .sort((one, other) => Number(one.redriveAt) - Number(other.redriveAt))
      const keys = new Map(
        marked.map(({ message: { topic, partitionKey } }) => [
          `${topic}\u0000${partitionKey}`,
          { topic, partitionKey },
        ]),
      )
      return [...keys.values()].slice(0, keysMax)
    },
    async lettersOf(group, key, lettersMax) {
      const found = active().filter((letter) => isUnder(letter, group, key))
      return found.sort(byPlace).slice(0, lettersMax).map(viewOf)
    },
    async take(_tx, group, ids) {
      const letters = active().filter((letter) => letter.group === group && letter.redriveAt)
      const taken = letters.filter(({ id }) => ids.includes(id))
      for (const letter of taken) change(letter, { taken: true })
      return new Set(taken.map(({ id }) => id))
    },
    async settle(group, { done, failed }) {
      for (const id of done) rows().delete(nameOf({ group, id }))
      const letter = failed && rows().get(nameOf({ group, id: failed.id }))
      if (failed === undefined || letter === undefined) return
      const { reason, detail } = failed
      for (const one of active().filter((each) => isUnder(each, group, letter.message))) {
        change(one, {
          redriveAt: undefined,
          taken: false,
          ...(one.id === letter.id ? { reason, detail } : {}),
        })
      }
    },
    ...forOperators(table),
  }
}

function tableOf(database: MemoryDatabase) {
  const rows = () => {
    if (!database.tables.has(letterTable)) database.tables.set(letterTable, new Map())
    return database.tables.get(letterTable) as Map<string, Row>
  }
  return {
    rows,
    active: () => [...rows().values()].filter(({ discarded }) => discarded === undefined),
    change: (letter: Row, to: Partial<Row>) => rows().set(nameOf(letter), { ...letter, ...to }),
  }
}

function forOperators({
  rows,
  active,
  change,
}: ReturnType<typeof tableOf>): Pick<DeadLetters, 'list' | 'show' | 'discard' | 'redrive'> {
  return {
    async list(filter, { order = 'newest', lettersMax = 100, discarded = false } = {}) {
      const found = (discarded ? [...rows().values()] : active()).filter(meant(filter))
      const sorted = found.sort(order === 'position' ? byPlace : byNewest).slice(0, lettersMax)
      return sorted
        .map(viewOf)
        .map((letter) => ({ ...letter, message: { ...letter.message, body: '' } }))
    },
    async show(id) {
      return [...rows().values()].filter(meant({ id })).sort(byPlace).map(viewOf)
    },
    async discard({ group, id, by, why, at }) {
      const letter = rows().get(nameOf({ group, id }))
      if (letter === undefined || letter.discarded !== undefined || letter.taken) return false
      change(letter, { discarded: { at, by, why }, redriveAt: undefined })
      return true
    },
    async redrive(filter, at) {
      const chosen = active().filter(meant(filter))
      const all = active().filter((letter) =>
        chosen.some((one) => isUnder(letter, one.group, one.message)),
      )
      for (const letter of all) {
        change(letter, { redriveAt: at, taken: letter.taken && letter.redriveAt !== undefined })
      }
      return all.length
    },
  }
}

function viewOf({ taken, ...letter }: Row): DeadLetter {
  return letter
}

function nameOf({ group, id }: Pick<DeadLetter, 'group' | 'id'>): string {
  return `${group}\u0000${id}`
}

function isUnder(
  letter: DeadLetter,
  group: string,
  key: Readonly<{ topic: string; partitionKey: string }>,
): boolean {
  const { topic, partitionKey } = letter.message
  return letter.group === group && topic === key.topic && partitionKey === key.partitionKey
}

function meant({ group, topic, partitionKey, id }: LetterFilter): (letter: DeadLetter) => boolean {
  return (letter) =>
    (group === undefined || letter.group === group) &&
    (topic === undefined || letter.message.topic === topic) &&
    (partitionKey === undefined || letter.message.partitionKey === partitionKey) &&
    (id === undefined || letter.id === id)
}

function byNewest(one: DeadLetter, other: DeadLetter): number {
  return Number(other.parkedAt) - Number(one.parkedAt) || (one.id < other.id ? 1 : -1)
}

function byPlace(one: DeadLetter, other: DeadLetter): number {
  const [a, b] = [one.message, other.message]
  return (
    compare(one.group, other.group) ||
    compare(a.topic, b.topic) ||
    a.partition - b.partition ||
    a.position - b.position ||
    compare(one.id, other.id)
  )
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
