import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { deposit, openAccount } from '@semel/contracts/billing'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { outboxAppend, topicMigrations } from '@semel/topics'
import { type AccountState, accountDecider, type BillingCommand } from './account.ts'
import { accountRepository } from './account-store.ts'
import { takeCharge } from './charge.ts'
import { billingQueries } from './routes.ts'
import { billingMigrations } from './sql.ts'

export { takeCharge } from './charge.ts'
export { findImbalances, type Imbalance } from './sql.ts'

/** What has to be in the database before {@link createBilling}. */
export const migrations: readonly MigrationSet[] = [
  commandMigrations,
  topicMigrations,
  billingMigrations,
]

type BillingServiceOptions = ServiceOptions<AccountState, BillingCommand, Tx>

/** What the service is made with. */
export type BillingOptions = Readonly<{
  pool: Pool
  /** ISO 4217 code of the one currency, in which accounts are opened. */
  currency: string
  retention?: BillingServiceOptions['retention']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<BillingServiceOptions>
}>

/** The billing service: what it answers, and how it ends. */
export function createBilling({ pool, currency, retention, executor }: BillingOptions): Service {
  return createService({
    name: 'billing',
    store: postgresStore(pool),
    repository: accountRepository,
    decider: accountDecider(currency),
    contracts: [openAccount, deposit],
    reactions: [takeCharge],
    append: outboxAppend(),
    queries: billingQueries(queryable(pool)),
    ...(retention === undefined ? {} : { retention }),
    ...executor,
  })
}
