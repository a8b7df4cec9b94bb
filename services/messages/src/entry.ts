import { accept, type CommandOf, type Decider } from '@semel/commands'
import { type ProblemContract, problemBody } from '@semel/contract'
import type { MessageState } from '@semel/contracts/messages'
import { httpProblems } from '@semel/http'
import type { requestEnded, requestParked, requestSeen } from './reactions.ts'

/** What a client was answered, with the body's own text; null where that was too long to keep. */
export type Response = Readonly<{
  status: number
  headers: Readonly<Record<string, string>>
  body: string | null
}>

/** A request that nothing was heard of. */
export type AbsentEntry = Readonly<{ state: 'absent'; guid: string }>

/**
 * What is known of a request. `key` is as commands know it, with its prefix; it and the request are
 * null while all that was heard is a dead letter that could not be read. `storedState` is what the
 * database held when the entry was loaded.
 */
export type RegisteredEntry = Readonly<{
  state: MessageState
  guid: string
  scope: string
  operation: string
  key: string | null
  request: Readonly<Record<string, unknown>> | null
  response: Response | null
  registeredAt: Date
  storedState: MessageState | 'absent'
}>

export type EntryState = AbsentEntry | RegisteredEntry

type Noticed = CommandOf<typeof requestSeen | typeof requestParked>
type Ended = CommandOf<typeof requestEnded>

export type EntryCommand = Noticed | Ended

/**
 * Registers what is heard of requests, in whatever order and however often: in the end an entry is
 * `answered` if an answer was ever told, else `parked` if it was ever set aside, else `pending`. Of
 * several answers the first stays.
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
        return accept(answered(entry, command), {})
    }
  },
}

/** `parked` outlives `pending`; `answered` outlives both. */
function noticed(
  entry: EntryState,
  { input, receivedAt }: Noticed,
  state: 'pending' | 'parked',
): EntryState {
  if (entry.state === 'absent') {
    const nothing = { response: null, storedState: 'absent' } as const
    return { ...input, ...nothing, state, registeredAt: receivedAt }
  }
  const isNews =
    (entry.state === 'pending' && state === 'parked') ||
    (entry.key === null && input.key !== null) ||
    (entry.request === null && input.request !== null)
  if (entry.state === 'answered' || !isNews) return entry
  return {
    ...entry,
    state: state === 'parked' ? state : entry.state,
    key: entry.key ?? input.key,
    request: entry.request ?? input.request,
  }
}

function answered(entry: EntryState, { input, receivedAt }: Ended): EntryState {
  if (entry.state === 'answered') return entry
  const { guid, scope, operation, key, request } = input
  return {
    ...{ state: 'answered', guid, scope, operation, key, request },
    response: responseOf(input),
    registeredAt: entry.state === 'absent' ? receivedAt : entry.registeredAt,
    storedState: entry.state === 'absent' ? 'absent' : entry.storedState,
  }
}

/** What the edge would have answered: the command's answer, or why this request has none. */
function responseOf({ outcome, response }: Ended['input']): Response {
  if (response !== null) return response
  return refusal(outcome === 'key-expired' ? httpProblems.keyExpired : httpProblems.keyReused)
}

function refusal(problem: ProblemContract): Response {
  return {
    status: problem.statuses[0],
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify(problemBody(problem)),
  }
}
