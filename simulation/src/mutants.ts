import type { AccountState, BillingCommand } from '@semel/billing/account'
import { type Command, commandId, type Message, serviceScope, Unavailable } from '@semel/commands'
import type { EntryState } from '@semel/messages/entry'
import type { OrderState } from '@semel/orders/order'
import type { Delivered } from '@semel/topics'
import type { MemoryLog } from '@semel/topics/memory'
import type { Mutation } from './mutation.ts'
import type { AnyDecider, ServiceName } from './services.ts'

/** Bugs that somebody could make, put around the product's ports: each of them must be found. */
export const mutants: Readonly<Record<string, Mutation>> = {
  'answer cached before the commit': {
    store: (store, cache) => ({
      ...store,
      async insert(tx, records) {
        cache?.put(records)
        await store.insert(tx, records)
      },
    }),
  },
  'outbox outside the transaction': {
    append:
      (_, { database }) =>
      async (_tx, messages) =>
        void database.messages.push(...messages),
  },
  'outbox after the transaction': {
    append: (_, { database }) => {
      let told: readonly Message[] = []
      return async (_tx, messages) => {
        database.messages.push(...told)
        told = messages
      }
    },
  },
  'handed over before the commit': {
    append:
      (append, { topics }) =>
      async (tx, messages) => {
        await append(tx, messages)
        if (topics.told !== undefined) topics.transport.handOver(placed(topics.log, messages))
      },
  },
  'position before the effect': {
    onBatch: (onBatch) => async (batch) => void onBatch(batch).catch(() => {}),
  },
  'key without scope': { command: (command) => renamed(command, command.operation) },
  'key without operation': {
    command: (command) => ({ ...command, id: commandId(command.scope, 'any', command.key) }),
  },
  'no fingerprint check': {
    command: (command) => ({
      ...command,
      fingerprint: { ...command.fingerprint, hash: Buffer.alloc(32) },
    }),
  },
  'unknown commit taken for a failure': {
    async retry(attempt) {
      for (;;) {
        const result = await attempt()
        if (result.end === 'committed') return result.value
        if (result.end === 'unknown' || result.end === 'unreachable') {
          throw new Unavailable('none', new Error('the connection broke'))
        }
      }
    },
  },
  'unknown commit taken for a success': {
    async retry(attempt) {
      for (;;) {
        const result = await attempt()
        if (result.end === 'committed' || result.end === 'unknown') return result.value
        if (result.end === 'unreachable') throw new Unavailable('none', new Error('away'))
      }
    },
  },
  'decision applied whatever its version': {
    decider: only('orders', (inner) => ({
      ...inner,
      decide(state, command) {
        const order = state as OrderState
        if (command.operation !== 'charge-decided' || order.status === 'absent') {
          return inner.decide(state, command)
        }
        const input = { ...(command.input as object), version: order.version }
        return inner.decide(state, { ...command, input })
      },
    })),
  },
  'charge in the order of arrival': {
    decider: only('billing', (inner) => ({
      ...inner,
      decide(state, command) {
        return inner.decide(withoutVersions(state as AccountState, command), command)
      },
    })),
  },
  'declined order keeps its hold': {
    decider: only('billing', (inner) => ({
      ...inner,
      decide(state, command) {
        const decision = inner.decide(state, command)
        return { ...decision, state: keepingHold(state as AccountState, decision.state, command) }
      },
    })),
  },
  'decided without looking': {
    store: (store) => ({
      ...store,
      find: async () => new Map(),
      async insert(tx, records) {
        for (const record of records) tx.write('commands', record.id, record)
      },
    }),
  },
  'registry keeps the last completion': {
    decider: only('messages', (inner) => ({
      ...inner,
      decide(state, command) {
        const entry = state as EntryState
        const isAgain = entry.state === 'answered' && command.operation === 'message-answered'
        return inner.decide(isAgain ? { ...entry, state: 'pending' } : entry, command)
      },
    })),
  },
  'followers of a parked key not held': {
    deadLetters: (letters) => ({
      ...letters,
      async standing(...asked) {
        return { ...(await letters.standing(...asked)), fronts: new Map() }
      },
    }),
  },
}

/** How messages will be delivered if they are committed, and no others before them. */
function placed(log: MemoryLog, messages: readonly Message[]): Delivered[] {
  const behind = log.outbox.messages.slice(log.outbox.taken)
  return messages.map((message) => {
    const { time, body, ...envelope } = message
    const partition = log.partitions.get(message) ?? 0
    const before = behind.filter(
      (one) => one.topic === message.topic && log.partitions.get(one) === partition,
    )
    behind.push(message)
    const position = (log.topics.get(message.topic)?.[partition]?.length ?? 0) + before.length
    const at = { partition, position, time: time.toISOString() }
    return { ...envelope, ...at, body: JSON.stringify(body) }
  })
}

function renamed(command: Command, operation: string): Command {
  return { ...command, id: commandId(serviceScope('everybody'), operation, command.key) }
}

function only(service: ServiceName, mutate: (inner: AnyDecider) => AnyDecider) {
  return (name: ServiceName, inner: AnyDecider) => (name === service ? mutate(inner) : inner)
}

/** What billing sees when it takes whatever comes for the newest. */
function withoutVersions(account: AccountState, { operation, input }: Command): AccountState {
  if (operation !== 'charge-wanted') return account
  const { orderId } = input as { orderId: string }
  const charge = account.charges.get(orderId)
  if (charge === undefined) return account
  const charges = new Map(account.charges).set(orderId, { ...charge, version: 0 })
  return { ...account, charges }
}

function keepingHold(before: AccountState, after: unknown, command: Command): AccountState {
  const account = after as AccountState
  const { operation, input } = command as BillingCommand
  if (operation !== 'charge-wanted' || account.status !== 'open') return account
  const [was, is] = [before.charges.get(input.orderId), account.charges.get(input.orderId)]
  if (was === undefined || is?.outcome !== 'declined' || was.held === 0) return account
  const charges = new Map(account.charges).set(input.orderId, { ...is, held: was.held })
  return { ...(before as typeof account), charges }
}
