import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { deposit, openAccount } from '@semel/contracts/billing'
import * as catalogue from '@semel/contracts/catalogue'
import { createService, type Service, type ServiceOptions } from '@semel/http'
import { type MigrationSet, type Pool, queryable, type Tx } from '@semel/postgres'
import { type ServiceObserver, topicMigrations } from '@semel/topics'
import { type Topics, takePart } from '@semel/topics/take-part'
import { type AccountState, accountDecider, type BillingCommand } from './account.ts'
import { accountRepository } from './account-store.ts'
import { takeCharge } from './charge.ts'
import { billingQueries } from './routes.ts'
import { billingMigrations } from './sql.ts'
import { subscriptions } from './subscriptions.ts'

export { takeCharge } from './charge.ts'
export { currencyInUse, findImbalances, type Imbalance } from './sql.ts'
export { subscriptions } from './subscriptions.ts'

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
  /** What carries topics. Default: what it tells goes to the outbox, and nothing is read. */
  topics?: Topics
  /** ISO 4217 code of the one currency, in which accounts are opened. */
  currency: string
  /** Told of every error that callers are told nothing of. Default: nobody is. */
  report?: (error: unknown) => void
  /** Told what it does, to be counted. Default: nobody is. */
  observe?: ServiceObserver | undefined
  /** What is told of requests that ended, for the registry. Default: nothing. */
  announce?: BillingServiceOptions['announce']
  /** Parts and limits of the executor, in place of the usual ones. */
  executor?: Partial<BillingServiceOptions>
}>

/** The billing service: what it answers, and how it ends. */
export function createBilling({
  pool,
  topics,
  currency,
  announce,
  report,
  observe,
  executor,
}: BillingOptions): Service {
  return createService({
    name: 'billing',
    store: postgresStore(pool),
    repository: accountRepository,
    decider: accountDecider(currency),
    contracts: [openAccount, deposit],
    reactions: [takeCharge],
    queries: billingQueries(queryable(pool)),
    ...takePart({ pool, topics, group: 'billing', subscriptions, catalogue, report, observe }),
    report,
    observe,
    announce,
    ...executor,
  })
}
