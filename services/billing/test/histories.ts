import { createExecutor, type Executor, localOperator, makeCommand } from '@semel/commands'
import {
  type MemoryDatabase,
  memoryAppend,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import { type Outgoing, type Rendered, renderAnswer } from '@semel/contract'
import { deposit, openAccount } from '@semel/contracts/billing'
import fc from 'fast-check'
import { type AccountState, accountDecider, type BillingCommand } from '../src/account.ts'
import { takeCharge } from '../src/charge.ts'

/** What is asked of billing about one user; `copy` is a message of its own that says the same. */
export type Intent =
  | { kind: 'open'; name: string }
  | { kind: 'deposit'; amount: number; nth: number }
  | { kind: 'charge'; order: number; version: number; amount: number; copy: number }

export type History = { all: Intent[]; sent: number[] }

const prices = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 2 })

/** Few orders, some of them cancelled in the end, that compete for too little money. */
const intents: fc.Arbitrary<Intent[]> = fc
  .record({
    names: fc.constantFrom(['Ann'], ['Ann', 'Bob']),
    deposits: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 2 }),
    orders: fc.array(fc.record({ prices, cancelled: fc.boolean() }), {
      minLength: 1,
      maxLength: 2,
    }),
    copied: fc.boolean(),
  })
  .map(({ names, deposits, orders, copied }) => [
    ...names.map((name): Intent => ({ kind: 'open', name })),
    ...deposits.map((amount, nth): Intent => ({ kind: 'deposit', amount, nth })),
    ...orders.flatMap((wanted, order) =>
      [...wanted.prices, ...(wanted.cancelled ? [0] : [])].flatMap((amount, index): Intent[] => {
        const charge = { kind: 'charge' as const, order, version: index + 1, amount }
        const copies = copied && index === 0 ? [0, 1] : [0]
        return copies.map((copy) => ({ ...charge, copy }))
      }),
    ),
  ])

/** Intents, and the order in which they are sent, each one to three times. */
export const histories: fc.Arbitrary<History> = intents.chain((all) => {
  const sendings = all.flatMap((_, index) => [index, index, index])
  return fc
    .tuple(
      fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
      fc.shuffledSubarray(sendings, { minLength: 0 }),
    )
    .map(([once, again]) => ({ all, sent: [...once, ...again] }))
})

/** The user of a world, which keeps the histories of one database apart. */
export function userOfWorld(world: number): string {
  return `4c1e8a52-6f0b-4f0e-9d0a-${String(world).padStart(12, '0')}`
}

/** The command that an intent becomes. */
export function commandOf(intent: Intent, world = 0): BillingCommand {
  const userId = userOfWorld(world)
  const asked = {
    scope: localOperator,
    key: `h:${world} ${JSON.stringify(intent)}`,
    receivedAt: new Date('2026-01-01T00:00:00Z'),
  }
  if (intent.kind === 'open') {
    return makeCommand(openAccount, { ...asked, input: { userId, name: intent.name } })
  }
  if (intent.kind === 'deposit') {
    return makeCommand(deposit, { ...asked, input: { userId, amount: intent.amount } })
  }
  const { version, amount } = intent
  const orderId = `0193d5a1-6f00-7000-8000-${String(world * 100 + intent.order).padStart(12, '0')}`
  return makeCommand(takeCharge, {
    ...asked,
    input: { orderId, version, userId, amount, currency: 'EUR' },
  })
}

/** Two executors of billing on one database in memory, which keeps every entry ever made. */
export function memoryBilling(): { executors: Executor[]; database: MemoryDatabase } {
  const database = memoryDatabase()
  const repository = memoryRepository<AccountState, BillingCommand>(
    'accounts',
    ({ userId }) => userId,
    absent,
  )
  const make = () =>
    createExecutor({
      store: memoryStore(database),
      repository,
      decider: accountDecider('EUR'),
      contracts,
      append: memoryAppend,
    })
  return { executors: [make(), make()], database }
}

/** What a command came to: its answer, and what was told besides. */
export function comesTo(
  { status, body }: Rendered,
  messages: readonly Pick<Outgoing, 'body'>[],
): string {
  const told = messages.map((message) => message.body as Record<string, unknown>)
  return JSON.stringify([status, JSON.parse(body.toString()), told.map(sorted)])
}

/**
 * Whether some one-at-a-time sequence of the commands has each come to what it came to. Searched
 * depth first with the pure decider: a command may be next if it would come to the same now.
 */
export function isExplained(commands: readonly BillingCommand[], came: readonly string[]): boolean {
  const decider = accountDecider('EUR')
  const explain = (account: AccountState, left: readonly number[]): boolean =>
    left.length === 0 ||
    left.some((index) => {
      const command = commands[index]!
      const { state, outcome, messages } = decider.decide(account, command)
      const contract = contracts.find(({ operation }) => operation === command.operation)!
      const answer = renderAnswer(contract, command, outcome)
      if (comesTo(answer, messages) !== came[index]) return false
      return explain(
        state,
        left.filter((other) => other !== index),
      )
    })
  return explain(absent(commands[0]!.input.userId), [...commands.keys()])
}

/** An account that nobody has opened. */
export function absent(userId: string): AccountState {
  return { status: 'absent', userId, charges: new Map(), storedAs: 'nothing' }
}

/**
 * Why a whole account is not sound (invariant I10), or undefined: its balance is the sum of its
 * entries and not below 0, and every order took what its highest version says.
 */
export function unsoundness(account: AccountState): string | undefined {
  const open = account.status === 'open' ? account : { balance: 0, held: 0, entries: [] }
  const sum = (amounts: readonly number[]) => amounts.reduce((total, each) => total + each, 0)
  const balance = sum(open.entries.map(({ amount }) => amount))
  if (open.balance !== balance || balance < 0) return `balance ${open.balance} of ${balance}`
  const held = sum([...account.charges.values()].map((charge) => charge.held))
  if (open.held !== held) return `held ${open.held} of ${held}`
  for (const { orderId, decisions } of account.charges.values()) {
    const highest = decisions.toSorted((one, other) => other.version - one.version)[0]!
    const due = highest.outcome === 'paid' ? highest.amount : 0
    const own = open.entries.filter((entry) => entry.orderId === orderId)
    const taken = -sum(own.map(({ amount }) => amount))
    if (taken !== due) return `order ${orderId} took ${taken} of ${due}`
  }
  return undefined
}

export const contracts = [openAccount, deposit, takeCharge]

function sorted(body: Record<string, unknown>): [string, unknown][] {
  return Object.entries(body).toSorted(([one], [other]) => (one < other ? -1 : 1))
}
