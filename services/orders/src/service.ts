import {
  createExecutor,
  type ExecutorOptions,
  processReplayCache,
  type RetentionOptions,
  startSweeper,
} from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import type { Face } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { outboxAppend, topicMigrations } from '@semel/topics'
import { type OrderCommand, type OrderState, orderDecider } from './order.ts'
import { orderQueries } from './routes.ts'
import { orderMigrations, orderRepository } from './sql.ts'

/** What has to be in the database before {@link createOrders}. */
export const migrations: readonly MigrationSet[] = [
  commandMigrations,
  topicMigrations,
  orderMigrations,
]

/** What the service is made with. */
export type OrdersOptions = Readonly<{
  pool: Pool
  /** ISO 4217 code of the one currency. */
  currency: string
  retention?: RetentionOptions
  /** Of the executor; for tests and benchmarks. */
  executor?: Partial<
    Pick<
      ExecutorOptions<OrderState, OrderCommand, Tx>,
      | 'append'
      | 'batchSizeMax'
      | 'batchesMax'
      | 'cache'
      | 'clock'
      | 'replayableMs'
      | 'report'
      | 'repository'
      | 'store'
    >
  >
}>

/** The order service: what it answers, and how it ends. */
export function createOrders(options: OrdersOptions): Face & { stop(): Promise<void> } {
  const { pool, currency, retention = {} } = options
  const store = options.executor?.store ?? postgresStore(pool)
  const executor = createExecutor({
    store,
    repository: orderRepository,
    decider: orderDecider(currency),
    contracts: [placeOrder, updateOrder, cancelOrder],
    append: outboxAppend(),
    cache: processReplayCache(),
    ...options.executor,
  })
  const sweeper = startSweeper(store, retention)
  return {
    name: 'orders',
    commands: [placeOrder, updateOrder, cancelOrder].map((contract) => ({ contract, executor })),
    queries: orderQueries(queryable(pool)),
    async ready() {
      if (!executor.hasRoom()) throw new Error('the queue of commands is full')
      await store.probe()
    },
    async stop() {
      await executor.close()
      await sweeper.stop()
    },
  }
}
