import { type AccountState, accountDecider, type BillingCommand } from '@semel/billing/account'
import { takeCharge } from '@semel/billing/charge'
import { localOperator, makeCommand, serviceScope } from '@semel/commands'
import type { Outgoing } from '@semel/contract'
import { deposit, openAccount } from '@semel/contracts/billing'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { type OrderCommand, type OrderState, orderDecider, settleOrder } from '@semel/orders/order'
import { expect, it } from 'vitest'

const id = '0193d5a1-6f00-7000-8000-000000000001'
const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const receivedAt = new Date(0)
const orders = orderDecider('EUR')
const billing = accountDecider('EUR')
const lines = (unitPrice: number) => [{ sku: 'tea', quantity: 1, unitPrice }]
const of = (key: string, input: object) => ({ scope: localOperator, key, input, receivedAt })

/** What clients ask for, in any order: the command log sees to it that each is decided once. */
const asked: readonly (OrderCommand | BillingCommand)[] = [
  makeCommand(openAccount, of(`i:${userId}`, { userId, name: 'Ann' })),
  makeCommand(deposit, of('h:deposit', { userId, amount: 100 })),
  makeCommand(placeOrder, of(`i:${id}`, { id, userId, lines: lines(80) })),
  makeCommand(updateOrder, of('h:update', { id, version: 1, lines: lines(90) })),
  makeCommand(cancelOrder, of('h:cancel', { id })),
]

/** Everything there is, with each message by its text and how often it was delivered. */
type World = Readonly<{
  order: OrderState
  account: AccountState
  left: readonly number[]
  delivered: ReadonlyMap<string, number>
}>

const deliveriesMax = 2

it('one order ends as billing decided, whatever arrives when, and twice', () => {
  const seen = new Set<string>()
  const ends = new Set<string>()
  const open: World[] = [
    {
      order: { status: 'absent', id, number: 1 },
      account: { status: 'absent', userId, charges: new Map(), storedAs: 'nothing' },
      left: asked.map((_, index) => index),
      delivered: new Map(),
    },
  ]
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const name = JSON.stringify(world, (_, value) => (value instanceof Map ? [...value] : value))
    if (seen.has(name)) continue
    seen.add(name)
    expect(faultsOf(world)).toEqual([])
    if (isSettled(world)) ends.add(endOf(world))
    open.push(...nextOf(world))
  }

  // Every end that the rules allow is met, and no other. A deposit before the account is refused; an
  // update or a cancel before the order, too.
  expect([...ends].toSorted()).toEqual([
    'cancelled, 0 held, 0 left',
    'cancelled, 0 held, 100 left',
    'declined, 0 held, 0 left',
    'declined, 0 held, 100 left',
    'paid, 80 held, 20 left',
    'paid, 90 held, 10 left',
  ])
})

function nextOf(world: World): World[] {
  const { left, delivered } = world
  return [
    ...left.map((index) => {
      const rest = left.filter((one) => one !== index)
      return decided({ ...world, left: rest }, asked[index]!)
    }),
    ...[...delivered]
      .filter(([, count]) => count < deliveriesMax)
      .map(([text, count]) => {
        const then = { ...world, delivered: new Map(delivered).set(text, count + 1) }
        return decided(then, reactionTo(text))
      }),
  ]
}

/** Without a command log for reactions: what is delivered twice is decided twice. */
function decided(world: World, command: OrderCommand | BillingCommand): World {
  if (isForOrders(command)) {
    const { state, messages } = orders.decide(world.order, command)
    return { ...world, order: state, delivered: told(world, messages) }
  }
  const { state, messages } = billing.decide(world.account, command)
  return { ...world, account: state, delivered: told(world, messages) }
}

function told({ delivered }: World, messages: readonly Outgoing[]): ReadonlyMap<string, number> {
  const texts = messages.filter(({ topic }) => topic !== 'notification').map(textOf)
  return new Map([...delivered, ...texts.map((text) => [text, delivered.get(text) ?? 0] as const)])
}

function textOf({ type, body }: Outgoing): string {
  return JSON.stringify({ type, body })
}

function reactionTo(text: string): OrderCommand | BillingCommand {
  const { type, body } = JSON.parse(text)
  const asEvent = { scope: serviceScope('shop'), key: text, input: body, receivedAt }
  return type === 'charge-wanted'
    ? makeCommand(takeCharge, asEvent)
    : makeCommand(settleOrder, asEvent)
}

function isForOrders(command: OrderCommand | BillingCommand): command is OrderCommand {
  return !['open-account', 'deposit', 'charge-wanted'].includes(command.operation)
}

function isSettled({ left, delivered }: World): boolean {
  return left.length === 0 && [...delivered.values()].every((count) => count > 0)
}

/** What must hold at every moment, and what when all has arrived. */
function faultsOf(world: World): string[] {
  const { order, account } = world
  const faults: string[] = []
  const balance = account.status === 'open' ? account.balance : 0
  const entries = account.status === 'open' ? account.entries : []
  const sum = entries.reduce((total, { amount }) => total + amount, 0)
  if (balance < 0 || balance !== sum) faults.push(`balance ${balance}, entries ${sum}`)
  const held = account.charges.get(id)?.held ?? 0
  if (order.status === 'paid' && held !== order.total && isSettled(world)) faults.push('not held')
  if (!isSettled(world) || order.status === 'absent') return faults
  const charge = account.charges.get(id)
  if (order.status === 'pending') faults.push('pending for ever')
  if (charge?.version !== order.version) faults.push('billing knows another version')
  const outcome = order.status === 'cancelled' ? 'released' : order.status
  if (charge?.outcome !== outcome) faults.push(`${order.status}, and billing ${charge?.outcome}`)
  return faults
}

function endOf({ order, account }: World): string {
  const held = account.charges.get(id)?.held ?? 0
  return `${order.status}, ${held} held, ${account.status === 'open' ? account.balance : 0} left`
}
