import { accept, type CommandOf, type Decider } from '@semel/commands'
import type { requestEnded, requestParked, requestSeen } from './reactions.ts'

/** What a client was answered, with the body's own text; null where that was too long to keep. */
export type Response = Readonly<{
  status: number
  headers: Readonly<Record<string, string>>
  body: string | null
}>

/**
 * What can be known of a request, from nothing to the most: waiting, set aside, refused because the
 * answer under its key is no longer kept, refused because its key had another body, answered.
 */
const states = ['absent', 'pending', 'parked', 'key-expired', 'key-reused', 'answered'] as const

/** A request that nothing was heard of. */
export type AbsentEntry = Readonly<{ state: 'absent'; guid: string }>

/**
 * What is known of a request. `response` is there when it is `answered`, and `seal` where it was
 * told with one. `key` is as commands know it, with its prefix; it and the request are null while
 * all that was heard is a dead letter that could not be read. `storedState` is what the database
 * held when the entry was loaded.
 */
export type RegisteredEntry = Readonly<{
  state: RegisteredState
  guid: string
  scope: string
  operation: string
  key: string | null
  request: Readonly<Record<string, unknown>> | null
  response: Response | null
  seal: string | null
  registeredAt: Date
  storedState: RegisteredState | 'absent'
}>

export type RegisteredState = Exclude<(typeof states)[number], 'absent'>

export type EntryState = AbsentEntry | RegisteredEntry

type Noticed = CommandOf<typeof requestSeen | typeof requestParked>
type Ended = CommandOf<typeof requestEnded>

export type EntryCommand = Noticed | Ended

/**
 * Registers what is heard of requests, in whatever order and however often: an entry only rises,
 * and in the end is `answered` if an answer was ever told. Of several answers the first stays.
 *
 * An answer outranks both refusals: it alone has an effect, and a refusal says only what was known
 * at the time. `key-expired` is told of what was decided, a day later or more; where order is lost,
 * before its answer. `key-reused` is told while the log remembers another body under the key, for
 * 30 days; the same request, sent again after that, is decided and has an answer. Told the other
 * way round, the answer stays: what it says has happened.
 */
export const entryDecider: Decider<EntryState, EntryCommand> = {
  aggregateId: ({ input }) => input.guid,
  decide(entry, command) {
    switch (command.operation) {
      case 'request-seen':
        return accept(noticed(entry, command, 'pending'), {})
      case 'request-parked':
        return accept(noticed(entry, command, 'parked'), {})
      case 'message-answered':
        return accept(ended(entry, command), {})
    }
  },
}

/** Whether it is known how a request ended. */
export function hasEnded(state: EntryState['state']): state is Ended['input']['outcome'] {
  return states.indexOf(state) >= states.indexOf('key-expired')
}

/** `parked` outlives `pending`; every end outlives both. */
function noticed(
  entry: EntryState,
  { input, receivedAt }: Noticed,
  state: 'pending' | 'parked',
): EntryState {
  if (entry.state === 'absent') {
    const nothing = { response: null, seal: null, storedState: 'absent' } as const
    return { ...input, ...nothing, state, registeredAt: receivedAt }
  }
  const isNews =
    (entry.state === 'pending' && state === 'parked') ||
    (entry.key === null && input.key !== null) ||
    (entry.request === null && input.request !== null)
  if (hasEnded(entry.state) || !isNews) return entry
  return {
    ...entry,
    state: state === 'parked' ? state : entry.state,
    key: entry.key ?? input.key,
    request: entry.request ?? input.request,
  }
}

function ended(entry: EntryState, { input, receivedAt }: Ended): EntryState {
  const { guid, scope, operation, key, request, outcome, response, seal = null } = input
  if (states.indexOf(outcome) <= states.indexOf(entry.state)) return entry
  return {
    ...{ state: outcome, guid, scope, operation, key, request, response, seal },
    registeredAt: entry.state === 'absent' ? receivedAt : entry.registeredAt,
    storedState: entry.state === 'absent' ? 'absent' : entry.storedState,
  }
}
