import { command, event, query } from '@semel/contract'
import { type Static, Type } from 'typebox'
import { accountConflict, accountUnknown, alreadyExists, balanceTooLarge } from './problems.ts'
import {
  Amount,
  Balance,
  Currency,
  Instant,
  pageOf,
  pageParameters,
  Uuid,
  Version,
} from './schemas.ts'

const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  errorMessage: 'must be 1 to 200 characters, none of them control characters',
})

/** An account, whole. What orders hold is not in its balance. */
export const Account = Type.Object({
  userId: Uuid,
  name: Name,
  balance: Balance,
  currency: Currency,
  createdAt: Instant,
  updatedAt: Instant,
})

/** One movement of an account's money; `amount` is negative where money went. */
export const Entry = Type.Object({
  id: Uuid,
  kind: Type.Enum(['deposit', 'charge', 'refund']),
  amount: Type.Integer({
    minimum: -Number.MAX_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
  }),
  orderId: Type.Optional(Uuid),
  orderVersion: Type.Optional(Version),
  balanceAfter: Balance,
  createdAt: Instant,
})
export type Entry = Static<typeof Entry>

/** A deposit, and what the balance is with it. */
export const Deposit = Type.Object({
  id: Uuid,
  userId: Uuid,
  amount: Amount,
  balance: Balance,
  currency: Currency,
})

const exampleAccount = {
  userId: '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10',
  name: 'Ann',
  balance: 0,
  currency: 'EUR',
  createdAt: '2026-11-21T08:29:00.000Z',
  updatedAt: '2026-11-21T08:29:00.000Z',
}

const exampleEntry = {
  id: '5b0c2f4e-94f8-8a39-b7c2-0d5a6f2e8c01',
  kind: 'charge',
  amount: -900,
  orderId: '0193d5a1-6f00-7000-8000-000000000001',
  orderVersion: 1,
  balanceAfter: 4100,
  createdAt: '2026-11-21T08:30:00.120Z',
}

const exampleDeposit = {
  id: '2f4d0a51-7be0-8d7b-9f6e-3c1b7a90d2e4',
  userId: exampleAccount.userId,
  amount: 5000,
  balance: 5000,
  currency: 'EUR',
}

export const openAccount = command({
  operation: 'open-account',
  summary: 'Open the account of a user',
  method: 'POST',
  path: '/accounts',
  body: { userId: Uuid, name: Name },
  clientMadeId: 'userId',
  topic: 'billing',
  partitionKey: ({ input }) => input.userId,
  resource: ({ input }) => `/accounts/${input.userId}`,
  accepted: [
    {
      status: 201,
      description: 'The account was opened.',
      body: Account,
      example: exampleAccount,
    },
    {
      status: 200,
      description: 'The account was opened before, under this name; as it is now.',
      body: Account,
      example: { ...exampleAccount, balance: 4100, updatedAt: '2026-11-21T08:30:00.120Z' },
    },
  ],
  refusals: [accountConflict],
  example: { userId: exampleAccount.userId, name: 'Ann' },
})

export const deposit = command({
  operation: 'deposit',
  summary: 'Deposit money',
  method: 'POST',
  path: '/accounts/{userId}/deposits',
  params: { userId: Uuid },
  body: { amount: Amount },
  topic: 'billing',
  partitionKey: ({ input }) => input.userId,
  resource: ({ input }) => `/accounts/${input.userId}/entries`,
  accepted: [
    {
      status: 201,
      description: 'The money is there. `Location` is the list where its entry is.',
      body: Deposit,
      example: exampleDeposit,
    },
    {
      status: 200,
      description:
        'The very same deposit was made under this key, longer ago than keys are kept; with ' +
        'the balance of now.',
      body: Deposit,
      example: { ...exampleDeposit, balance: 4100 },
    },
  ],
  refusals: [accountUnknown, alreadyExists, balanceTooLarge],
  example: { userId: exampleAccount.userId, amount: 5000 },
})

export const getAccount = query({
  name: 'get-account',
  summary: 'Get an account',
  path: '/accounts/{userId}',
  parameters: { userId: Uuid },
  answer: { description: 'The account as it is now.', body: Account, example: exampleAccount },
  refusals: [accountUnknown],
  example: { userId: exampleAccount.userId },
})

export const listEntries = query({
  name: 'list-entries',
  summary: 'List the entries of an account, newest first',
  path: '/accounts/{userId}/entries',
  parameters: { userId: Uuid, ...pageParameters },
  answer: {
    description: 'A page of entries. `nextCursor` leads to the next page, and is null on the last.',
    body: pageOf(Entry),
    example: { items: [exampleEntry], nextCursor: null },
  },
  refusals: [accountUnknown],
  example: { userId: exampleAccount.userId, limit: 50 },
})

/**
 * Billing has decided about a version of an order, once and for ever; asked again it tells the same
 * again. That an order was cancelled is not told: its money returns, and nobody waits for it.
 */
export const chargeDecided = event({
  type: 'charge-decided',
  summary: 'A version of an order was paid, or declined',
  topic: 'order',
  partitionKey: ({ orderId }) => orderId,
  body: {
    orderId: Uuid,
    version: Version,
    userId: Uuid,
    amount: Amount,
    currency: Currency,
    outcome: Type.Enum(['paid', 'declined']),
    reason: Type.Optional(Type.Enum(['balance-too-low', 'no-account'])),
  },
  example: {
    orderId: exampleEntry.orderId,
    version: 1,
    userId: exampleAccount.userId,
    amount: 900,
    currency: 'EUR',
    outcome: 'paid',
  },
})
