import { accept, type CommandOf, type Decider, type Decision, refuse } from '@semel/commands'
import type { deposit, openAccount } from '@semel/contracts/billing'
import {
  type Charge,
  type ChargeDecision,
  decideCharge,
  decidedBefore,
  messagesOf,
  type takeCharge,
} from './charge.ts'

/** A movement of money. Its id is that of the command that made it. */
export type Entry = Readonly<{
  id: string
  userId: string
  /** Counts the entries of one account, from 1, without gaps. */
  number: number
  kind: 'deposit' | 'charge' | 'refund'
  /** Negative where money went. */
  amount: number
  orderId: string | undefined
  orderVersion: number | undefined
  balanceAfter: number
  createdAt: Date
  /** False: made since the account was loaded. */
  isStored: boolean
}>

/** An account that nobody has opened. Orders can be declined for it, and that is remembered. */
export type AbsentAccount = Readonly<{
  status: 'absent'
  userId: string
  /** By order id: those of the orders that the batch is about. */
  charges: ReadonlyMap<string, Charge>
  /** What row the database had when this was loaded: whoever decides about the user locks it. */
  storedAs: 'nothing' | 'absent'
}>

/** An account as it stands, with what the batch needs to know of its charges and entries. */
export type OpenAccount = Readonly<{
  status: 'open'
  userId: string
  name: string
  currency: string
  balance: number
  /** What paid orders hold; with the balance it is what was ever deposited. */
  held: number
  entryCount: number
  createdAt: Date
  updatedAt: Date
  charges: ReadonlyMap<string, Charge>
  /** Those of deposits that are asked for again, and those that are new. */
  entries: readonly Entry[]
  /** What row the database had when this was loaded. */
  storedAs: 'nothing' | 'absent' | 'open'
}>

export type AccountState = AbsentAccount | OpenAccount

export type BillingCommand = CommandOf<typeof openAccount | typeof deposit | typeof takeCharge>

/** Decides what happens to accounts, which are opened in one currency. */
export function accountDecider(currency: string): Decider<AccountState, BillingCommand> {
  return {
    aggregateId: ({ input }) => input.userId,
    decide(account, command) {
      switch (command.operation) {
        case 'open-account':
          return open(account, command, currency)
        case 'deposit':
          return depositTo(account, command)
        case 'charge-wanted':
          return charge(account, command)
      }
    },
  }
}

/** An account as callers see it. */
export function accountView({ userId, name, balance, currency, ...times }: OpenAccount) {
  return {
    userId,
    name,
    balance,
    currency,
    createdAt: times.createdAt.toISOString(),
    updatedAt: times.updatedAt.toISOString(),
  }
}

/** An entry as callers see it. */
export function entryView({ id, kind, amount, orderId, orderVersion, ...rest }: Entry) {
  return {
    id,
    kind,
    amount,
    ...(orderId === undefined ? {} : { orderId, orderVersion }),
    balanceAfter: rest.balanceAfter,
    createdAt: rest.createdAt.toISOString(),
  }
}

function open(
  account: AccountState,
  command: CommandOf<typeof openAccount>,
  currency: string,
): Decision<AccountState> {
  const { name } = command.input
  if (account.status === 'open') {
    if (account.name !== name) return refuse(account, 'account-conflict')
    return accept(account, accountView(account), [], 200)
  }
  const opened: OpenAccount = {
    ...account,
    status: 'open',
    name,
    currency,
    balance: 0,
    held: 0,
    entryCount: 0,
    createdAt: command.receivedAt,
    updatedAt: command.receivedAt,
    entries: [],
  }
  return accept(opened, accountView(opened))
}

function depositTo(
  account: AccountState,
  command: CommandOf<typeof deposit>,
): Decision<AccountState> {
  if (account.status === 'absent') return refuse(account, 'account-unknown')
  const { id, input, receivedAt } = command
  const { amount } = input
  const before = account.entries.find((entry) => entry.id === id)
  if (before !== undefined) {
    // The command log has forgotten the key; the entry remembers for whom and what it was used.
    if (before.userId !== account.userId || before.amount !== amount) {
      return refuse(account, 'already-exists')
    }
    return accept(account, depositView(account, id, amount), [], 200)
  }
  // Also of what is held: it may return, and then the balance must be countable.
  if (!Number.isSafeInteger(account.balance + account.held + amount)) {
    return refuse(account, 'balance-too-large')
  }
  const posted = post(account, { id, kind: 'deposit', amount, createdAt: receivedAt })
  return accept(posted, depositView(posted, id, amount))
}

function depositView({ userId, balance, currency }: OpenAccount, id: string, amount: number) {
  return { id, userId, amount, balance, currency }
}

/**
 * Charges by state, not by step: what counts is the highest version of an order that has come, and
 * what is posted is the difference to what the order holds. So a version that comes late changes
 * nothing, a cancel (amount 0) that comes first keeps every charge before it from ever applying,
 * and a repeat, under whatever id it comes, is told what was decided, whatever the balance is now.
 */
function charge(
  account: AccountState,
  { id, input, receivedAt }: CommandOf<typeof takeCharge>,
): Decision<AccountState> {
  const before = account.charges.get(input.orderId)
  const known = decidedBefore(before, input.version)
  refuseToGuess(account, { before, known, input })
  if (known !== undefined) return accept(account, {}, messagesOf(known))
  if (before !== undefined && input.version < before.version) return accept(account, {})
  const balance = account.status === 'open' ? account.balance : undefined
  const { charge: charged, decision } = decideCharge(before, input, balance)
  const charges = new Map(account.charges).set(input.orderId, charged)
  const difference = (before?.held ?? 0) - charged.held
  const messages = messagesOf(decision)
  if (account.status === 'absent' || difference === 0) {
    return accept({ ...account, charges }, {}, messages)
  }
  const posted = post(account, {
    id,
    kind: difference < 0 ? 'charge' : 'refund',
    amount: difference,
    orderId: input.orderId,
    orderVersion: input.version,
    createdAt: receivedAt,
  })
  const held = account.held - difference
  return accept({ ...posted, held, charges }, {}, messages)
}

/**
 * An order belongs to one user and to one currency for ever, and each version of it has one amount,
 * unless orders have lost what they told. A message that says otherwise was made by a fault, and no
 * decision about it would be right: it becomes a dead letter, for a person.
 */
function refuseToGuess(
  account: AccountState,
  {
    before,
    known,
    input: { orderId, userId, version, amount, currency },
  }: Readonly<{
    before: Charge | undefined
    known: ChargeDecision | undefined
    input: CommandOf<typeof takeCharge>['input']
  }>,
): void {
  if (before !== undefined && before.userId !== userId) {
    throw new TypeError(`order ${orderId} is charged to another user than ${userId}`)
  }
  if (known !== undefined && known.amount !== amount) {
    throw new TypeError(`version ${version} of order ${orderId} was charged with ${known.amount}`)
  }
  if (account.status === 'open' && account.currency !== currency) {
    throw new TypeError(`order ${orderId} is in ${currency}, the account in ${account.currency}`)
  }
}

function post(
  account: OpenAccount,
  posted: Pick<Entry, 'id' | 'kind' | 'amount' | 'createdAt'> &
    Partial<Pick<Entry, 'orderId' | 'orderVersion'>>,
): OpenAccount {
  const balance = account.balance + posted.amount
  const entry: Entry = {
    orderId: undefined,
    orderVersion: undefined,
    ...posted,
    userId: account.userId,
    number: account.entryCount + 1,
    balanceAfter: balance,
    isStored: false,
  }
  return {
    ...account,
    balance,
    entryCount: entry.number,
    updatedAt: posted.createdAt,
    entries: [...account.entries, entry],
  }
}
