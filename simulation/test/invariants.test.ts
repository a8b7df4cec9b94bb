import type { OpenAccount } from '@semel/billing/account'
import { describe, expect, it } from 'vitest'
import type { Attempt, End } from '../src/history.ts'
import { invariants, violationsOf } from '../src/invariants.ts'
import { type Ran, runSchedule } from '../src/schedule.ts'

/** An end that is right, with all that the bad histories below spoil. */
const right = await firstRight()

async function firstRight(): Promise<End> {
  for (let seed = 1; seed < 500; seed += 1) {
    const { end } = await runSchedule(seed)
    if (hasEverything(end)) return end
  }
  throw new Error('no seed has everything; widen the search')
}

function hasEverything({ orders, accounts, entries, attempts, notifications }: End): boolean {
  const account = accounts.find(isOpen)
  const charges = [...(account?.charges.values() ?? [])]
  return (
    orders.some(({ status, version }) => status === 'paid' && version > 1) &&
    charges.some(({ decisions }) => decisions.length > 1) &&
    account!.entries.filter(({ orderId }) => orderId !== undefined).length > 1 &&
    account!.entries.some(({ kind }) => kind === 'deposit') &&
    entries.length > 2 &&
    notifications.length > 0 &&
    attempts.some(({ told }) => told.kind === 'taken')
  )
}

function isOpen(account: End['accounts'][number]): account is OpenAccount {
  return account.status === 'open'
}

function withAccount(change: (account: OpenAccount) => Partial<OpenAccount>): End {
  const accounts = right.accounts.map((one) => (isOpen(one) ? { ...one, ...change(one) } : one))
  return { ...right, accounts }
}

function withService(
  name: keyof End['services'],
  change: (service: End['services']['orders']) => Partial<End['services']['orders']>,
): End {
  const service = right.services[name]
  return { ...right, services: { ...right.services, [name]: { ...service, ...change(service) } } }
}

function withAttempts(change: (attempt: Attempt) => Attempt): End {
  return { ...right, attempts: right.attempts.map(change) }
}

function without(messages: Ran['end']['services']['orders']['messages'], type: string) {
  const index = messages.findIndex((message) => message.type === type)
  return messages.toSpliced(index, 1)
}

const firstAnswered = right.attempts.find(({ told }) => told.kind === 'answered')!

/** Bad histories, by the invariant that has to refuse them. */
const bad: readonly [keyof typeof invariants, string, End][] = [
  [
    'I1 effect once',
    'a deposit that was posted twice',
    withAccount(({ entries }) => ({
      entries: [...entries, entries.find(({ kind }) => kind === 'deposit')!],
    })),
  ],
  [
    'I1 effect once',
    'an order that nobody placed',
    { ...right, orders: [...right.orders, other()] },
  ],
  [
    'I1 effect once',
    'an answer that is recorded nowhere',
    withService('orders', () => ({ records: new Map() })),
  ],
  [
    'I3 same answer',
    'a repeat that was answered otherwise',
    withAttempts((attempt) => (attempt === firstAnswered ? reworded(attempt) : attempt)),
  ],
  [
    'I3 same answer',
    'a registry that says otherwise',
    {
      ...right,
      entries: right.entries.map((entry) =>
        entry.response === null
          ? entry
          : { ...entry, response: { ...entry.response, status: 500 } },
      ),
    },
  ],
  [
    'I4 no other body',
    'two bodies answered under one key',
    { ...right, attempts: [...right.attempts, rebodied(firstAnswered)] },
  ],
  [
    'I4 no other body',
    'a deposit of another amount',
    withAccount(({ entries }) => ({
      entries: entries.map((one) => (one.kind === 'deposit' ? { ...one, amount: 1 } : one)),
    })),
  ],
  [
    'I6 message with commit',
    'a charge that was never wanted',
    withService('orders', ({ messages }) => ({ messages: without(messages, 'charge-wanted') })),
  ],
  [
    'I6 message with commit',
    'a message of what was rolled back',
    withService('orders', ({ messages }) => ({
      messages: [...messages, { ...messages[0]!, commandId: 'nobody' }],
    })),
  ],
  [
    'I6 message with commit',
    'an end that nobody was told of',
    withService('billing', ({ messages }) => ({ messages: without(messages, 'message-answered') })),
  ],
  [
    'I7 nothing lost',
    'a message that was not carried',
    { ...right, carried: right.carried.map((messages) => messages.slice(1)) },
  ],
  [
    'I7 nothing lost',
    'an event that its reader never saw',
    withService('notifications', () => ({ records: new Map() })),
  ],
  ['I7 nothing lost', 'an outbox that is not empty', withService('billing', () => ({ unsent: 1 }))],
  [
    'I8 never back',
    'an older version decided after a newer one',
    withAccount(({ charges }) => ({
      charges: new Map(
        [...charges].map(([id, one]) => [id, { ...one, decisions: one.decisions.toReversed() }]),
      ),
    })),
  ],
  [
    'I8 never back',
    'messages of one key decided in the other order',
    {
      ...right,
      attempts: [],
      carried: right.carried.map((messages) =>
        messages
          .toReversed()
          .map((message, position) => ({ ...message, position, partitionKey: 'one' })),
      ),
    },
  ],
  [
    'I9 consumed once',
    'two notifications of one version',
    { ...right, notifications: [...right.notifications, right.notifications[0]!] },
  ],
  [
    'I10 conservation',
    'a balance that is not the sum of its entries',
    withAccount(({ balance }) => ({ balance: balance + 1 })),
  ],
  [
    'I10 conservation',
    'a paid order without its money',
    withAccount(({ entries, charges }) => ({
      entries: entries.filter(({ orderId }) => orderId === undefined),
      balance: sum(entries.filter(({ orderId }) => orderId === undefined)),
      held: 0,
      charges: new Map([...charges].map(([id, one]) => [id, { ...one, held: 0 }])),
    })),
  ],
  [
    'I10 conservation',
    'an order that billing sees otherwise',
    { ...right, orders: right.orders.map((order) => ({ ...order, status: 'declined' })) },
  ],
  ['I10 conservation', 'happiness that was not told', { ...right, notifications: [] }],
  [
    'I11 no lost update',
    'an update that was overwritten',
    { ...right, orders: right.orders.map((one) => ({ ...one, version: one.version - 1 })) },
  ],
  [
    'I11 no lost update',
    'lines that nobody asked for',
    { ...right, orders: right.orders.map((one) => ({ ...one, lines: [] })) },
  ],
  ['I12 settled', 'a system that does not come to rest', { ...right, isSettled: false }],
  [
    'I12 settled',
    'an order that waits for ever',
    { ...right, orders: right.orders.map((order) => ({ ...order, status: 'pending' })) },
  ],
  ['I12 settled', 'a receipt without an end', { ...right, entries: [] }],
  [
    'I15 truthful errors',
    'a commit that was called a failure',
    withAttempts((attempt) =>
      attempt.isAskedAgain
        ? attempt
        : { ...attempt, told: { kind: 'unavailable', effect: 'none', retryAfterMs: 0 } },
    ),
  ],
]

function other(): End['orders'][number] {
  return { ...right.orders[0]!, id: 'another' }
}

function reworded(attempt: Attempt): Attempt {
  const { told } = attempt
  if (told.kind !== 'answered') return attempt
  return { ...attempt, told: { ...told, answer: { ...told.answer, body: Buffer.from('{}') } } }
}

function rebodied(attempt: Attempt): Attempt {
  const fingerprint = { version: 1, hash: Buffer.alloc(32) }
  return { ...attempt, command: { ...attempt.command, fingerprint } }
}

function sum(entries: readonly { amount: number }[]): number {
  return entries.reduce((total, { amount }) => total + amount, 0)
}

describe('the invariants', () => {
  it('hold at an end that is right', () => {
    expect(violationsOf(right)).toEqual([])
  })

  it.each(bad)('%s: refuses %s', (name, _, end) => {
    expect(invariants[name]!(end)).not.toEqual([])
  })

  it('have a bad history each', () => {
    expect(new Set(bad.map(([name]) => name))).toEqual(new Set(Object.keys(invariants)))
  })
})
