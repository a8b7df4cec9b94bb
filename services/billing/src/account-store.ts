import type { Repository } from '@semel/commands'
import {
  exactly,
  int4Array,
  int8Array,
  type Tx,
  textArray,
  timestamptzArray,
  uuidArray,
} from '@semel/postgres'
import type { AccountState, BillingCommand, Entry, OpenAccount } from './account.ts'
import type { Charge, ChargeDecision } from './charge.ts'
import {
  type AccountRow,
  accountColumns,
  accountOf,
  type ChargeRow,
  chargeOf,
  type DecisionRow,
  type EntryRow,
  entryColumns,
  entryOf,
} from './sql.ts'

/**
 * Accounts in PostgreSQL. Of a user's charges, decisions and entries only those are loaded that the
 * batch names: a user may have millions. They are read behind the account's lock, and whoever
 * writes them holds it; where there is no row to lock yet, two that write meet at its primary key.
 */
export const accountRepository: Repository<AccountState, BillingCommand, Tx> = {
  async load(tx, ids, commands) {
    const [accounts, charges, entries] = await Promise.all([
      lockAccounts(tx, ids),
      readCharges(tx, commands),
      readDeposits(tx, commands),
    ])
    return new Map(
      ids.map((userId): [string, AccountState] => {
        const of = { userId, charges: charges.get(userId) ?? new Map<string, Charge>() }
        const row = accounts.get(userId)
        if (row === undefined) return [userId, { ...of, status: 'absent', storedAs: 'nothing' }]
        const account = accountOf(row)
        if (account === undefined) return [userId, { ...of, status: 'absent', storedAs: 'absent' }]
        return [userId, { ...account, ...of, entries: entries.get(userId) ?? [] }]
      }),
    )
  },
  async save(tx, changed) {
    const of = (wanted: AccountState['storedAs']) =>
      changed.filter(({ storedAs }) => storedAs === wanted)
    const charges = changed
      .flatMap((account) => [...account.charges.values()])
      .filter(({ version, storedVersion }) => version !== storedVersion)
    insertAccounts(tx, of('nothing'))
    updateAccounts(tx, [...of('absent'), ...of('open')].filter(isRewritten))
    insertCharges(
      tx,
      charges.filter(({ storedVersion }) => storedVersion === 0),
    )
    updateCharges(
      tx,
      charges.filter(({ storedVersion }) => storedVersion > 0),
    )
    insertDecisions(
      tx,
      charges.flatMap(({ decisions }) => decisions.filter(({ isStored }) => !isStored)),
    )
    insertEntries(tx, changed)
  },
}

async function lockAccounts(tx: Tx, ids: readonly string[]): Promise<Map<string, AccountRow>> {
  const { rows } = await tx.query<AccountRow>({
    name: 'lock-accounts',
    text: `select ${accountColumns} from accounts
            where user_id = any($1::uuid[]) order by user_id for update`,
    values: [uuidArray(ids)],
  })
  return new Map(rows.map((row) => [row.user_id, row]))
}

/** By the user and the order that a command names: whose the charge is, the decider looks. */
async function readCharges(
  tx: Tx,
  commands: readonly BillingCommand[],
): Promise<Map<string, Map<string, Charge>>> {
  const wanted = commands.flatMap((each) =>
    each.operation === 'charge-wanted' ? [each.input] : [],
  )
  if (wanted.length === 0) return new Map()
  const orderIds = uuidArray(wanted.map(({ orderId }) => orderId))
  const versions = int4Array(wanted.map(({ version }) => version))
  const [charges, decisions] = await Promise.all([
    tx.query<ChargeRow>({ name: 'read-charges', text: selectCharges, values: [orderIds] }),
    tx.query<DecisionRow>({
      name: 'read-decisions',
      text: selectDecisions,
      values: [orderIds, versions],
    }),
  ])
  const decided = Map.groupBy(decisions.rows, (row) => row.order_id)
  const rowOf = new Map(charges.rows.map((row) => [row.order_id, row]))
  const found = new Map<string, Map<string, Charge>>()
  for (const { userId, orderId } of wanted) {
    const row = rowOf.get(orderId)
    if (row === undefined) continue
    const own = found.get(userId) ?? new Map<string, Charge>()
    found.set(userId, own.set(orderId, chargeOf(row, decided.get(orderId) ?? [])))
  }
  return found
}

/** The entries that the batch's deposits made before, should the command log have forgotten. */
async function readDeposits(
  tx: Tx,
  commands: readonly BillingCommand[],
): Promise<Map<string, Entry[]>> {
  const deposits = commands.filter(({ operation }) => operation === 'deposit')
  if (deposits.length === 0) return new Map()
  const { rows } = await tx.query<EntryRow>({
    name: 'read-deposits',
    text: `select ${entryColumns} from entries where id = any($1::uuid[])`,
    values: [uuidArray(deposits.map(({ id }) => id))],
  })
  // By the user that the command names: whose the entry is, the decider looks.
  const userOf = new Map(deposits.map(({ id, input }) => [id as string, input.userId]))
  return Map.groupBy(rows.map(entryOf), ({ id }) => userOf.get(id)!)
}

/** Whether there is something new in an account's row, and not only in its charges. */
function isRewritten(account: AccountState): account is OpenAccount {
  if (account.status === 'absent') return false
  return account.storedAs !== 'open' || account.entries.some(({ isStored }) => !isStored)
}

function insertAccounts(tx: Tx, accounts: readonly AccountState[]): void {
  if (accounts.length === 0) return
  const opened = accounts.map((account) => (account.status === 'open' ? account : undefined))
  tx.send({
    name: 'insert-accounts',
    text: `insert into accounts (${accountColumns})
           select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                                $6::bigint[], $7::timestamptz[], $8::timestamptz[])`,
    values: [
      uuidArray(accounts.map(({ userId }) => userId)),
      textArray(opened.map((account) => account?.name ?? null)),
      textArray(opened.map((account) => account?.currency ?? null)),
      int8Array(opened.map((account) => account?.balance ?? 0)),
      int8Array(opened.map((account) => account?.held ?? 0)),
      int8Array(opened.map((account) => account?.entryCount ?? 0)),
      timestamptzArray(opened.map((account) => account?.createdAt ?? null)),
      timestamptzArray(opened.map((account) => account?.updatedAt ?? null)),
    ],
  })
}

function updateAccounts(tx: Tx, accounts: readonly OpenAccount[]): void {
  if (accounts.length === 0) return
  const column = <T>(of: (account: OpenAccount) => T) => accounts.map(of)
  const storedCount = ({ entryCount, entries }: OpenAccount) =>
    entryCount - entries.filter(({ isStored }) => !isStored).length
  const update = {
    name: 'update-accounts',
    text: updateLocked,
    values: [
      uuidArray(column(({ userId }) => userId)),
      int8Array(column(storedCount)),
      textArray(column(({ name }) => name)),
      textArray(column(({ currency }) => currency)),
      int8Array(column(({ balance }) => balance)),
      int8Array(column(({ held }) => held)),
      int8Array(column(({ entryCount }) => entryCount)),
      timestamptzArray(column(({ createdAt }) => createdAt)),
      timestamptzArray(column(({ updatedAt }) => updatedAt)),
    ],
  }
  tx.send(exactly(accounts.length, update))
}

function insertCharges(tx: Tx, charges: readonly Charge[]): void {
  if (charges.length === 0) return
  const column = <T>(of: (charge: Charge) => T) => charges.map(of)
  tx.send({
    name: 'insert-charges',
    text: `insert into charges (order_id, user_id, version, amount, held, outcome)
           select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[], $5::bigint[],
                                $6::text[])`,
    values: [
      uuidArray(column(({ orderId }) => orderId)),
      uuidArray(column(({ userId }) => userId)),
      int4Array(column(({ version }) => version)),
      int8Array(column(({ amount }) => amount)),
      int8Array(column(({ held }) => held)),
      textArray(column(({ outcome }) => outcome)),
    ],
  })
}

function updateCharges(tx: Tx, charges: readonly Charge[]): void {
  if (charges.length === 0) return
  const column = <T>(of: (charge: Charge) => T) => charges.map(of)
  const update = {
    name: 'update-charges',
    text: `update charges
              set version = changed.version, amount = changed.amount, held = changed.held,
                  outcome = changed.outcome
             from unnest($1::uuid[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[],
                         $6::text[])
                  as changed (order_id, stored_version, version, amount, held, outcome)
            where charges.order_id = changed.order_id
              and charges.version = changed.stored_version`,
    values: [
      uuidArray(column(({ orderId }) => orderId)),
      int4Array(column(({ storedVersion }) => storedVersion)),
      int4Array(column(({ version }) => version)),
      int8Array(column(({ amount }) => amount)),
      int8Array(column(({ held }) => held)),
      textArray(column(({ outcome }) => outcome)),
    ],
  }
  tx.send(exactly(charges.length, update))
}

function insertDecisions(tx: Tx, decisions: readonly ChargeDecision[]): void {
  if (decisions.length === 0) return
  const column = <T>(of: (decision: ChargeDecision) => T) => decisions.map(of)
  tx.send({
    name: 'insert-decisions',
    text: `insert into decisions (order_id, version, user_id, amount, currency, outcome, reason)
           select * from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bigint[], $5::text[],
                                $6::text[], $7::text[])`,
    values: [
      uuidArray(column(({ orderId }) => orderId)),
      int4Array(column(({ version }) => version)),
      uuidArray(column(({ userId }) => userId)),
      int8Array(column(({ amount }) => amount)),
      textArray(column(({ currency }) => currency)),
      textArray(column(({ outcome }) => outcome)),
      textArray(column(({ reason }) => reason ?? null)),
    ],
  })
}

function insertEntries(tx: Tx, accounts: readonly AccountState[]): void {
  const posted = accounts
    .flatMap((account) => (account.status === 'open' ? account.entries : []))
    .filter(({ isStored }) => !isStored)
  if (posted.length === 0) return
  const column = <T>(of: (entry: Entry) => T) => posted.map(of)
  tx.send({
    name: 'insert-entries',
    text: `insert into entries (${entryColumns})
           select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[],
                                $6::uuid[], $7::integer[], $8::bigint[], $9::timestamptz[])`,
    values: [
      uuidArray(column(({ id }) => id)),
      uuidArray(column(({ userId }) => userId)),
      int8Array(column(({ number }) => number)),
      textArray(column(({ kind }) => kind)),
      int8Array(column(({ amount }) => amount)),
      uuidArray(column(({ orderId }) => orderId ?? null)),
      int4Array(column(({ orderVersion }) => orderVersion ?? null)),
      int8Array(column(({ balanceAfter }) => balanceAfter)),
      timestamptzArray(column(({ createdAt }) => createdAt)),
    ],
  })
}

const selectCharges = `
  select order_id, user_id, version, amount, held, outcome
    from charges where order_id = any($1::uuid[])`

// Once each, however often the batch asks: what comes back is what will be told, as often as asked.
const selectDecisions = `
  select order_id, version, user_id, amount, currency, outcome, reason
    from (select distinct * from unnest($1::uuid[], $2::integer[])) as asked (order_id, version)
    join decisions using (order_id, version)`

const updateLocked = `
  update accounts
     set name = changed.name, currency = changed.currency, balance = changed.balance,
         held = changed.held, entry_count = changed.entry_count, opened_at = changed.opened_at,
         updated_at = changed.updated_at
    from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::timestamptz[], $9::timestamptz[])
         as changed (user_id, stored_count, name, currency, balance, held, entry_count, opened_at,
                     updated_at)
   where accounts.user_id = changed.user_id and accounts.entry_count = changed.stored_count`
