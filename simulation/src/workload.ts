import { commandId, type Scope, userScope } from '@semel/commands'
import type { AnyCommandContract } from '@semel/contract'
import { deposit, openAccount } from '@semel/contracts/billing'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import type { Random } from './random.ts'

/** What a client means to have done, once. */
export type Intent = Readonly<{
  service: 'orders' | 'billing'
  contract: AnyCommandContract
  scope: Scope
  key: string
  input: Readonly<Record<string, unknown>>
}>

/** Intents that a client sends one after the other, from some step on. */
export type Stream = Readonly<{
  intents: readonly Intent[]
  fromStep: number
  /** How often each is sent while nothing is known of it. */
  triesMax: number
}>

/** What the clients of one schedule want, repeats included, and how they send it. */
export type Workload = Readonly<{ streams: readonly Stream[]; byTopicRate: number }>

/** The users, and what they are called in `POST /accounts`. */
export const users = [
  'aaaaaaaa-0000-4000-8000-000000000001',
  'bbbbbbbb-0000-4000-8000-000000000002',
]

/** The id that a client made for its n-th order. */
export function clientMadeOrderId(nth: number): string {
  return `0193d5a1-6f00-7000-8000-${String(nth + 1).padStart(12, '0')}`
}

/** Few users and few orders that want the same money, so that they get in each other's way. */
export function drawWorkload(random: Random): Workload {
  const streams = [
    ...users.slice(0, random.chance(0.7) ? 1 : 2).flatMap((one) => billingStreams(random, one)),
    ...orderStreams(random, 0),
    ...(random.chance(0.3) ? orderStreams(random, 1) : []),
  ]
  const extra = streams.flatMap(({ intents }) => intents.flatMap((one) => repeats(random, one)))
  return { streams: [...streams, ...extra], byTopicRate: random.pick([0, 0.5, 1]) }
}

function billingStreams(random: Random, userId: string): Stream[] {
  const scope = userScope('-', userId)
  const of = { service: 'billing', scope } as const
  const opens = random.chance(0.85)
  const intents: Intent[] = opens
    ? [{ ...of, contract: openAccount, key: `i:${userId}`, input: { userId, name: 'Ann' } }]
    : []
  const count = random.below(2) + Number(random.chance(0.15))
  for (let nth = 0; nth < count; nth += 1) {
    const input = { userId, amount: 300 * (1 + random.below(3)) }
    intents.push({ ...of, contract: deposit, key: `h:deposit ${nth}`.replace(' ', '-'), input })
  }
  return inOneOrMany(random, intents)
}

function orderStreams(random: Random, nth: number): Stream[] {
  const userId = random.chance(0.85) ? users[0]! : users[1]!
  const scope = userScope('-', userId)
  const of = { service: 'orders', scope } as const
  const isClientMade = random.chance(0.5)
  const key = isClientMade ? `i:${clientMadeOrderId(nth)}` : `h:place-${nth}`
  const id = isClientMade ? clientMadeOrderId(nth) : commandId(scope, 'place-order', key)
  const placed = { ...(isClientMade ? { id } : {}), userId, lines: lines(random) }
  const intents: Intent[] = [{ ...of, contract: placeOrder, key, input: placed }]
  const updates = random.pick([0, 0, 1, 1, 2])
  for (let version = 1; version <= updates; version += 1) {
    const asked = random.chance(0.8) ? version : 1 + random.below(3)
    const input = { id, version: asked, lines: lines(random) }
    intents.push({ ...of, contract: updateOrder, key: `h:update-${nth}-${version}`, input })
  }
  if (random.chance(0.4)) {
    const input = { id, ...(random.chance(0.5) ? { version: updates + 1 } : {}) }
    intents.push({ ...of, contract: cancelOrder, key: `h:cancel-${nth}`, input })
  }
  if (random.chance(0.1)) {
    // Another user tries the very same; so does the owner under another key, where he made the id.
    const other = userScope('-', users.find((user) => user !== userId)!)
    const last = intents.at(-1)!
    if (last.contract !== placeOrder) intents.push({ ...last, scope: other })
    else if (isClientMade) intents.push({ ...last, key: `h:place-again-${nth}` })
  }
  return inOneOrMany(random, intents)
}

function lines(random: Random) {
  return [{ sku: 'tea', quantity: 1 + random.below(3), unitPrice: 300 }]
}

function inOneOrMany(random: Random, intents: readonly Intent[]): Stream[] {
  const timing = () => ({ fromStep: random.below(40), triesMax: 1 + random.below(3) })
  if (random.chance(0.6)) return [{ intents, ...timing() }]
  return intents.map((intent) => ({ intents: [intent], ...timing() }))
}

/** The same again, and the same key for another body. */
function repeats(random: Random, intent: Intent): Stream[] {
  const again: Intent[] = []
  if (random.chance(0.25)) again.push(intent)
  if (random.chance(0.12)) again.push(otherBody(intent))
  return again.map((one) => ({ intents: [one], fromStep: random.below(120), triesMax: 1 }))
}

function otherBody(intent: Intent): Intent {
  const { input } = intent
  if (typeof input.amount === 'number') {
    return { ...intent, input: { ...input, amount: input.amount + 7 } }
  }
  if (input.lines !== undefined) {
    return { ...intent, input: { ...input, lines: [{ sku: 'rum', quantity: 1, unitPrice: 77 }] } }
  }
  return input.name === undefined ? intent : { ...intent, input: { ...input, name: 'Bob' } }
}
