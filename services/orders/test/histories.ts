import { createExecutor, type Executor, localOperator, makeCommand } from '@semel/commands'
import {
  type MemoryDatabase,
  memoryAppend,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import { type Rendered, renderAnswer } from '@semel/contract'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import fc from 'fast-check'
import { type OrderCommand, type OrderState, orderDecider } from '../src/order.ts'

/** What one client means to do, once; how often it is sent is another matter. */
export type Intent =
  | { kind: 'place'; order: number; quantity: number }
  | { kind: 'update'; order: number; version: number; quantity: number }
  | { kind: 'cancel'; order: number; version: number | undefined }

const order = fc.integer({ min: 0, max: 2 })
const version = fc.integer({ min: 1, max: 3 })
const quantity = fc.integer({ min: 1, max: 4 })

/** Intents about few orders and few versions, so that they get in each other's way. */
export const intents: fc.Arbitrary<Intent[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('place' as const), order, quantity }),
    fc.record({ kind: fc.constant('update' as const), order, version, quantity }),
    fc.record({
      kind: fc.constant('cancel' as const),
      order,
      version: fc.option(version, { nil: undefined }),
    }),
  ),
  { minLength: 1, maxLength: 8 },
)

/** Intents, and the order in which they are sent, each one to three times. */
export const histories = intents.chain((all) => {
  const sendings = all.flatMap((_, index) => [index, index, index])
  return fc
    .shuffledSubarray(sendings, { minLength: all.length, maxLength: sendings.length })
    .map((sent) => ({ all, sent: [...sent, ...all.keys()] }))
})

const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'

/** The command an intent becomes; `world` keeps the histories of one database apart. */
export function commandOf(intent: Intent, index: number, world = 0): OrderCommand {
  const id = `0193d5a1-6f00-7000-8000-${String(world * 100 + intent.order).padStart(12, '0')}`
  const asked = {
    scope: localOperator,
    key: `h:world ${world} intent ${index}`,
    receivedAt: new Date('2026-01-01T00:00:00Z'),
  }
  if (intent.kind === 'place') {
    const input = { id, userId, lines: linesOf(intent.quantity) }
    return makeCommand(placeOrder, { ...asked, input })
  }
  if (intent.kind === 'update') {
    const input = { id, version: intent.version, lines: linesOf(intent.quantity) }
    return makeCommand(updateOrder, { ...asked, input })
  }
  const input = { id, ...(intent.version === undefined ? {} : { version: intent.version }) }
  return makeCommand(cancelOrder, { ...asked, input })
}

/** Two executors of an order service on one database in memory. */
export function memoryOrders(): { executors: Executor[]; database: MemoryDatabase } {
  const database = memoryDatabase()
  let numbers = 0
  const repository = memoryRepository<OrderState, OrderCommand>(
    'orders',
    ({ id }) => id,
    (id) => {
      numbers += 1
      return { status: 'absent', id, number: numbers }
    },
  )
  const make = () =>
    createExecutor({
      store: memoryStore(database),
      repository,
      decider: orderDecider('EUR'),
      contracts,
      append: memoryAppend,
    })
  return { executors: [make(), make()], database }
}

/** What an answer says, apart from the order's number, which depends on who came before. */
export function toldBy({ status, body }: Rendered): string {
  const { number: _, ...members } = JSON.parse(body.toString())
  return JSON.stringify([status, members])
}

/**
 * Whether some one-at-a-time sequence of the commands gives each what it was told. Searched depth
 * first with the pure decider: a command may come next if it would be told now what it was told.
 */
export function isExplained(commands: readonly OrderCommand[], told: readonly string[]): boolean {
  const decider = orderDecider('EUR')
  const explain = (states: ReadonlyMap<string, OrderState>, left: readonly number[]): boolean =>
    left.length === 0 ||
    left.some((index) => {
      const command = commands[index]!
      const id = decider.aggregateId(command)
      const decision = decider.decide(states.get(id) ?? absent(id), command)
      const contract = contracts.find(({ operation }) => operation === command.operation)!
      if (toldBy(renderAnswer(contract, command, decision.outcome)) !== told[index]) return false
      const others = left.filter((other) => other !== index)
      return explain(new Map(states).set(id, stored(decision.state)), others)
    })
  return explain(new Map(), [...commands.keys()])
}

const contracts = [placeOrder, updateOrder, cancelOrder]

function absent(id: string): OrderState {
  return { status: 'absent', id, number: 0 }
}

function stored(state: OrderState): OrderState {
  if (state.status === 'absent') return state
  return { ...state, stored: { version: state.version, status: state.status } }
}

function linesOf(quantity: number) {
  return [{ sku: 'tea', quantity, unitPrice: 450 }]
}
