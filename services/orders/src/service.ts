import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { outboxAppend, topicMigrations } from '@semel/topics'
import { type OrderCommand, type OrderState, orderDecider, settleOrder } from './order.ts'
import { orderQueries } from './routes.ts'
import { orderMigrations, orderRepository } from './sql.ts'

export { settleOrder } from './order.ts'

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
  /** ISO 4217 code of the one currency. */
  currency: string
  retention?: OrderServiceOptions['retention']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<OrderServiceOptions>
}>

/** The order service: what it answers, and how it ends. */
export function createOrders({ pool, currency, retention, executor }: OrdersOptions): Service {
  return createService({
    name: 'orders',
    store: postgresStore(pool),
    repository: orderRepository,
    decider: orderDecider(currency),
    contracts: [placeOrder, updateOrder, cancelOrder],
    reactions: [settleOrder],
    append: outboxAppend(),
    queries: orderQueries(queryable(pool)),
    ...(retention === undefined ? {} : { retention }),
    ...executor,
  })
}
