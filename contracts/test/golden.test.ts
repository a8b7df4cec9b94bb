import { readdirSync } from 'node:fs'
import type {
  AnyCommandContract,
  AnyQueryContract,
  EventContract,
  KeyedEventContract,
  ProblemContract,
} from '@semel/contract'
import * as billing from '@semel/contracts/billing'
import * as messages from '@semel/contracts/messages'
import * as notifications from '@semel/contracts/notifications'
import * as orders from '@semel/contracts/orders'
import * as problems from '@semel/contracts/problems'
import { expect, it } from 'vitest'

/** What clients build on. A difference fails until it is meant: `npx vitest run contracts -u`. */
const wire = [
  ...[billing, messages, notifications, orders, problems].flatMap((file): object[] =>
    Object.values(file),
  ),
  // Of each topic that carries commands there is one, and but for the topic they are alike.
  messages.deadLetteredOn('order'),
].flatMap(onTheWire)

it.each(wire)('$name is what clients know', async ({ name, contract }) => {
  const text = `${JSON.stringify(contract, null, 2)}\n`

  await expect(text).toMatchFileSnapshot(`./golden/${name}.json`)
})

it('knows every golden file there is', () => {
  const files = readdirSync(new URL('golden/', import.meta.url))

  expect(wire.map(({ name }) => `${name}.json`).toSorted()).toEqual(files.toSorted())
})

/** Contracts of every kind; schemas, and functions, are on the wire as a part of these. */
function onTheWire(exported: object): { name: string; contract: object }[] {
  if ('operation' in exported) return [commandOnTheWire(exported as AnyCommandContract)]
  if ('answer' in exported) return [queryOnTheWire(exported as AnyQueryContract)]
  if ('type' in exported && 'topic' in exported) {
    return [eventOnTheWire(exported as EventContract)]
  }
  if ('statuses' in exported) return [problemOnTheWire(exported as ProblemContract)]
  return []
}

function commandOnTheWire(contract: AnyCommandContract) {
  const { operation, method, path, params, query, body, accepted, refusals } = contract
  const { clientMadeId, ifMatch, requiresVersion, topic, partitionKey, example } = contract
  const keyOfExample = partitionKey({ id: 'command-id', input: example as never })
  const names = refusals.map(({ name }) => name)
  const parts = { method, path, params, query, body, clientMadeId, ifMatch, requiresVersion }
  const carried = { topic, keyOfExample }
  return { name: operation, contract: { ...parts, ...carried, accepted, refusals: names, example } }
}

function queryOnTheWire({ name, path, inPath, parameters, answer, refusals }: AnyQueryContract) {
  const names = refusals.map((refusal) => refusal.name)
  return { name, contract: { path, inPath, parameters, answer, refusals: names } }
}

/** A dead letter has no key of its own. */
function eventOnTheWire(contract: EventContract & Partial<KeyedEventContract>) {
  const { type, topic, body, partitionKey, example } = contract
  const key = partitionKey?.(example as never)
  return { name: type, contract: { topic, body, keyOfExample: key, example } }
}

function problemOnTheWire(problem: ProblemContract) {
  const { name, title, statuses, recorded, members, constants } = problem
  return { name, contract: { title, statuses, recorded, members, constants } }
}
