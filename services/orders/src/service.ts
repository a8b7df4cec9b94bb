import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import * as catalogue from '@semel/contracts/catalogue'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { type ServiceObserver, topicMigrations } from '@semel/topics'
import { type Topics, takePart } from '@semel/topics/take-part'
import { type OrderCommand, type OrderState, orderDecider, settleOrder } from './order.ts'
import { orderQueries } from './routes.ts'
import { orderMigrations, orderRepository } from './sql.ts'
import { subscriptions } from './subscriptions.ts'

export { settleOrder } from './order.ts'
export { currencyInUse, findOrderFaults } from './sql.ts'
export { subscriptions } from './subscriptions.ts'

/** What has to be in the database before {@link createOrders}. */
export const migrations: readonly MigrationSet[] = [
  commandMigrations,
  topicMigrations,
  orderMigrations,
]

type OrderServiceOptions = ServiceOptions<OrderState, OrderCommand, Tx>

/** What the service is made with. */
export type OrdersOptions = Readonly<{
  pool: Pool
  /** What carries topics. Default: what it tells goes to the outbox, and nothing is read. */
  topics?: Topics
  /** ISO 4217 code of the one currency. */
  currency: string
  /** Told of every error that callers are told nothing of. Default: nobody is. */
  report?: (error: unknown) => void
  /** Told what it does, to be counted. Default: nobody is. */
  observe?: ServiceObserver | undefined
  /** What is told of requests that ended, for the registry. Default: nothing. */
  announce?: OrderServiceOptions['announce']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<OrderServiceOptions>
}>

/** The order service: what it answers, and how it ends. */
export function createOrders({
  pool,
  topics,
  currency,
  announce,
  report,
  observe,
  executor,
}: OrdersOptions): Service {
  return createService({
    name: 'orders',
    store: postgresStore(pool),
    repository: orderRepository,
    decider: orderDecider(currency),
    contracts: [placeOrder, updateOrder, cancelOrder],
    reactions: [settleOrder],
    queries: orderQueries(queryable(pool)),
    ...takePart({ pool, topics, group: 'orders', subscriptions, catalogue, report, observe }),
    report,
    observe,
    announce,
    ...executor,
  })
}
