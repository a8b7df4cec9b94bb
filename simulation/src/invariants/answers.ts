import { guidOf } from '@semel/commands'
import type { Rendered } from '@semel/contract'
import type { RegisteredEntry } from '@semel/messages/entry'
import type { Attempt, End } from '../history.ts'
import {
  answerOf,
  clientRecords,
  type Invariant,
  nameOf,
  recordsByName,
  requestOf,
} from './invariant.ts'

/** I1: a deposit is one entry, an order is placed once, and what was answered has happened. */
export const effectOnce: Invariant = (end) => {
  const entries = end.accounts.flatMap((one) => (one.status === 'open' ? one.entries : []))
  const deposited = entries.filter(({ kind }) => kind === 'deposit').map(({ id }) => id)
  const accepted = clientRecords(end, 'billing')
    .filter((record) => record.operation === 'deposit' && record.answer?.status === 201)
    .map(({ id }) => String(id))
  const placed = clientRecords(end, 'orders')
    .filter((record) => record.operation === 'place-order' && record.answer?.status === 201)
    .map((record) => answerOf(record).body.id!)
  const records = recordsByName(end)
  return [
    ...sameOnce('deposits', accepted, deposited),
    ...sameOnce(
      'orders',
      placed,
      end.orders.map(({ id }) => id),
    ),
    ...end.attempts
      .filter(({ told, command }) => told.kind === 'answered' && !records.has(nameOf(command)))
      .map(({ command }) => `${nameOf(command)} was answered, and is not recorded`),
  ]
}

function sameOnce(what: string, told: readonly string[], there: readonly string[]): string[] {
  if (told.length === there.length && new Set(told).size === told.length) {
    const all = new Set(there)
    if (told.every((id) => all.has(id))) return []
  }
  return [`${what}: accepted ${told.toSorted()}, there are ${there.toSorted()}`]
}

/**
 * I3: whoever is answered under a key gets the recorded bytes; the registry has them of every
 * request that was decided, and of no other.
 */
export const stableAnswers: Invariant = (end) => {
  const records = recordsByName(end)
  const wrong = end.attempts.flatMap((attempt) => {
    const answer = records.get(nameOf(attempt.command))?.answer
    if (attempt.told.kind !== 'answered' || answer === undefined) return []
    return isSame(attempt.told.answer, answer) ? [] : [`${described(attempt)}: another answer`]
  })
  const recorded = new Map([...records.values()].map((record) => [guidOf(record), record.answer]))
  const registered = end.entries.flatMap(({ guid, response, state }) => {
    const answer = recorded.get(guid)
    // Another body under the key has no answer of its own: it was refused, or came too late.
    const is = answer === undefined ? state !== 'answered' : isKept(response, answer)
    return is ? [] : [`registry ${guid}: ${state} ${response?.status} is not what was answered`]
  })
  return [...wrong, ...registered]
}

/** I4: of all bodies under one key one is answered, and the effect is that of its own. */
export const sameBody: Invariant = (end) => {
  const first = new Map<string, Attempt>()
  const wrong = end.attempts.filter((attempt) => {
    const { told, command } = attempt
    if (told.kind !== 'answered' || told.reused) return false
    const name = nameOf(command)
    const other = first.get(name)
    if (other === undefined) first.set(name, attempt)
    return other !== undefined && !other.command.fingerprint.hash.equals(command.fingerprint.hash)
  })
  return [
    ...wrong.map((attempt) => `${described(attempt)}: answered for another body`),
    ...foreignAmounts(end),
  ]
}

function foreignAmounts(end: End): string[] {
  return end.accounts
    .flatMap((account) => (account.status === 'open' ? account.entries : []))
    .filter(({ kind }) => kind === 'deposit')
    .flatMap(({ id, amount }) => {
      const record = end.services.billing.records.get(id)
      const asked = record && (requestOf(end, record)?.input as { amount?: number } | undefined)
      return asked === undefined || asked.amount === amount ? [] : [`entry ${id} is ${amount}`]
    })
}

/**
 * I15: who is told that nothing was executed can rely on it. Where all who asked were told so, the
 * command is new to whoever asks when all faults are over.
 */
export const truthfulErrors: Invariant = (end) => {
  const denied = new Map<string, boolean>()
  const isNew = new Set<string>()
  for (const { command, told, isAskedAgain } of end.attempts) {
    const name = nameOf(command)
    const isNone = told.kind === 'unavailable' && told.effect === 'none'
    if (!isAskedAgain) denied.set(name, isNone && denied.get(name) !== false)
    else if (told.kind !== 'answered' || !told.replayed) isNew.add(name)
  }
  return [...denied]
    .filter(([name, isDenied]) => isDenied && asked(end, name) && !isNew.has(name))
    .map(([name]) => `${name}: told not executed, and it was`)
}

function asked({ attempts }: End, name: string): boolean {
  return attempts.some(({ isAskedAgain, command }) => isAskedAgain && nameOf(command) === name)
}

function isSame(one: Rendered, other: Rendered): boolean {
  const headers = [one, other].map((each) => JSON.stringify(each.headers))
  return one.status === other.status && headers[0] === headers[1] && one.body.equals(other.body)
}

function isKept(response: RegisteredEntry['response'], { status, body }: Rendered): boolean {
  return response?.status === status && response.body === body.toString()
}

function described({ command, way, isAskedAgain }: Attempt): string {
  return `${nameOf(command)} ${isAskedAgain ? 'asked again' : way}`
}
