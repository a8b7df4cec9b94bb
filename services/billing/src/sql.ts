import type { MigrationSet, Queryable } from '@semel/postgres'
import type { Entry, OpenAccount } from './account.ts'
import type { Charge, ChargeDecision } from './charge.ts'

/** The tables of the service. */
export const billingMigrations: MigrationSet = {
  set: 'billing',
  folder: new URL('../migrations/', import.meta.url),
}

/** Of {@link AccountRow}. */
export const accountColumns = `user_id, name, currency, balance, held, entry_count, opened_at, updated_at`
/** Of {@link EntryRow}. */
export const entryColumns = `id, user_id, number, kind, amount, order_id, order_version, balance_after, created_at`

/** One account as it stands; undefined where nobody has opened it. */
export async function findAccount(db: Queryable, userId: string): Promise<OpenAccount | undefined> {
  const { rows } = await db.query<AccountRow>({
    name: 'find-account',
    text: `select ${accountColumns} from accounts where user_id = $1`,
    values: [userId],
  })
  return rows[0] && accountOf(rows[0])
}

/** Entries of an account, newest first, below a number. */
export async function listEntries(
  db: Queryable,
  { userId, below, limit }: { userId: string; below: number; limit: number },
): Promise<Entry[]> {
  const { rows } = await db.query<EntryRow>({
    name: 'list-entries',
    text: `select ${entryColumns} from entries
            where user_id = $1 and number < $2 order by number desc limit $3`,
    values: [userId, below, limit],
  })
  return rows.map(entryOf)
}

/** An account, or, where it is not open, what keeps the place of one. */
export type AccountRow = {
  user_id: string
  name: string | null
  currency: string | null
  balance: number
  held: number
  entry_count: number
  opened_at: Date | null
  updated_at: Date | null
}

/** An entry. */
export type EntryRow = Pick<Entry, 'id' | 'number' | 'kind' | 'amount'> & {
  user_id: string
  order_id: string | null
  order_version: number | null
  balance_after: number
  created_at: Date
}

/** A charge. */
export type ChargeRow = Pick<Charge, 'version' | 'amount' | 'held' | 'outcome'> & {
  order_id: string
  user_id: string
}

/** A decision. */
export type DecisionRow = Pick<ChargeDecision, 'version' | 'amount' | 'currency' | 'outcome'> & {
  order_id: string
  user_id: string
  reason: NonNullable<ChargeDecision['reason']> | null
}

/** The account of a row, without its charges and entries; undefined where nobody opened it. */
export function accountOf(row: AccountRow): OpenAccount | undefined {
  const { name, currency, opened_at: createdAt, updated_at: updatedAt } = row
  if (name === null || currency === null || createdAt === null || updatedAt === null) {
    return undefined
  }
  const { user_id: userId, balance, held, entry_count: entryCount } = row
  return {
    ...{ userId, name, currency, balance, held, entryCount, createdAt, updatedAt },
    status: 'open',
    charges: new Map(),
    entries: [],
    storedAs: 'open',
  }
}

/** The entry of a row. */
export function entryOf(row: EntryRow): Entry {
  const { id, number, kind, amount } = row
  return {
    ...{ id, number, kind, amount },
    userId: row.user_id,
    orderId: row.order_id ?? undefined,
    orderVersion: row.order_version ?? undefined,
    balanceAfter: row.balance_after,
    createdAt: row.created_at,
    isStored: true,
  }
}

/** The charge of a row, with some of its decisions. */
export function chargeOf(row: ChargeRow, decisions: readonly DecisionRow[]): Charge {
  const { order_id: orderId, user_id: userId, version, amount, held, outcome } = row
  const of = { orderId, userId, version, amount, held, outcome }
  return { ...of, decisions: decisions.map(decisionOf), storedVersion: version }
}

function decisionOf(row: DecisionRow): ChargeDecision {
  const { order_id: orderId, user_id: userId, version, amount, currency, outcome } = row
  const of = { orderId, userId, version, amount, currency, outcome }
  return { ...of, reason: row.reason ?? undefined, isStored: true }
}

/** Something that is not as invariant I10 says; the figures as text, for they may be anything. */
export type Imbalance = Readonly<{
  what: 'balance' | 'held' | 'entry-count' | 'order' | 'decision'
  /** A user's id, or, for `order` and `decision`, an order's. */
  id: string
  is: string
  shouldBe: string
}>

/**
 * Lists, up to `limit`, where billing's tables are not sound (invariant I10); empty when they are.
 * One statement, so that all is seen as of one moment. It reads every row of the service.
 *
 * `balance`: an account's balance is not the sum of its entries, or below 0. `held`, `entry-count`:
 * nor what its charges hold, nor as many. `order`: what an order's entries come to is not the
 * amount of its highest decided version if that was paid, else 0. `decision`: the charge is not
 * what was decided about the highest version.
 */
export async function findImbalances(db: Queryable, limit = 100): Promise<readonly Imbalance[]> {
  const { rows } = await db.query<Imbalance>({ text: selectImbalances, values: [limit] })
  return rows
}

const selectImbalances = `
  with posted as (
    select user_id, sum(amount) as amount, count(*) as number from entries group by user_id
  ), held as (
    select user_id, sum(held) as held from charges group by user_id
  ), posted_to as (
    select order_id, -sum(amount) as amount
      from entries where order_id is not null group by order_id
  ), decided as (
    select distinct on (order_id) order_id, user_id, version, amount, outcome,
           case outcome when 'paid' then amount else 0 end as held
      from decisions order by order_id, version desc
  ), imbalance as (
    select 'balance' as what, user_id as id, balance::numeric as found,
           coalesce(posted.amount, 0) as should_be
      from accounts full join posted using (user_id)
     where balance is distinct from coalesce(posted.amount, 0) or balance < 0
    union all
    select 'held', user_id, accounts.held, coalesce(held.held, 0)
      from accounts full join held using (user_id)
     where accounts.held is distinct from coalesce(held.held, 0)
    union all
    select 'entry-count', user_id, entry_count, coalesce(number, 0)
      from accounts left join posted using (user_id)
     where entry_count <> coalesce(number, 0)
    union all
    select 'order', order_id, posted_to.amount, held
      from posted_to full join decided using (order_id)
     where coalesce(posted_to.amount, 0) is distinct from held
    union all
    select 'decision', order_id, charges.version, decided.version
      from charges full join decided using (order_id)
     where (charges.user_id, charges.version, charges.amount, charges.outcome)
           is distinct from (decided.user_id, decided.version, decided.amount, decided.outcome)
  )
  select what, id, coalesce(found::text, 'none') as "is",
         coalesce(should_be::text, 'none') as "shouldBe"
    from imbalance order by what, id limit $1`

/** The currency that the database holds; undefined where it holds none yet. */
export async function currencyInUse(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ currency: string }>({
    text: 'select currency from accounts where currency is not null limit 1',
  })
  return rows[0]?.currency
}
