import { problem } from '@semel/contract'
import { Type } from 'typebox'

/** The order changed since the caller looked: 409 for a version, 412 for an entity tag. */
export const dataOutOfDate = problem({
  name: 'data-out-of-date',
  title: 'data is out of date',
  statuses: [409, 412],
  recorded: true,
  explanation:
    'The order was changed since you read it. Nothing was changed by this request. Read it ' +
    'again, apply your change to what it is now, and send that under a new key, with the version ' +
    'in `currentVersion`. The code 3043 is the one that older clients know.',
  members: { currentVersion: Type.Integer({ minimum: 1 }) },
  constants: { code: 3043 },
  example: { currentVersion: 4 },
})

/** The id that the client made, or that its key makes, is taken. */
export const alreadyExists = problem({
  name: 'already-exists',
  title: 'the id is taken',
  statuses: [409],
  recorded: true,
  explanation:
    'There is an order with this id, or a deposit under this key, and it was not made from what ' +
    'this request says. Nothing was changed. If the order is yours, `Location` says where it is; ' +
    'for another one, make another id or key.',
})

/** Cancelled orders cannot be updated. */
export const orderCancelled = problem({
  name: 'order-cancelled',
  title: 'the order is cancelled',
  statuses: [409],
  recorded: true,
  explanation: 'A cancelled order stays as it is. Place a new one.',
})

/** There is no such order, or it is another's: the same answer. */
export const orderUnknown = problem({
  name: 'order-unknown',
  title: 'there is no such order',
  statuses: [404],
  recorded: true,
  explanation: 'There is no order with this id among those that you may see.',
})

/** The sum is beyond what can be counted exactly. */
export const totalTooLarge = problem({
  name: 'total-too-large',
  title: 'the total is too large',
  statuses: [422],
  recorded: true,
  explanation:
    'The total of the lines is above 9007199254740991 minor units, the largest amount that is ' +
    'counted exactly. Nothing was changed. Split the order.',
})

/** Nobody has opened an account for the user. */
export const accountUnknown = problem({
  name: 'account-unknown',
  title: 'there is no such account',
  statuses: [404],
  recorded: true,
  explanation:
    'The user has no account. Nothing was changed. Open it, and send this again under a new key.',
})

/** The user has an account, under another name. */
export const accountConflict = problem({
  name: 'account-conflict',
  title: 'the account has another name',
  statuses: [409],
  recorded: true,
  explanation:
    'The user has an account, and it was opened under another name. Nothing was changed. An ' +
    'account keeps the name it was opened under.',
})

/** The balance would be beyond what can be counted exactly. */
export const balanceTooLarge = problem({
  name: 'balance-too-large',
  title: 'the balance would be too large',
  statuses: [422],
  recorded: true,
  explanation:
    'With this deposit, the balance and what paid orders hold would be above 9007199254740991 ' +
    'minor units, the largest amount that is counted exactly. Nothing was changed.',
})
