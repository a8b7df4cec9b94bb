import { lowerUuid, type ProblemContract, problemBody } from '@semel/contract'
import type { Message } from '@semel/contracts/messages'
import { getMessage, listMessages } from '@semel/contracts/messages'
import {
  answerPage,
  httpProblems,
  type MountedQuery,
  mountQuery,
  type QueryAnswer,
} from '@semel/http'
import type { Queryable } from '@semel/postgres'
import { hasEnded } from './entry.ts'
import { findMessage, type ListedEntry, listMessages as selectMessages } from './sql.ts'

const retryAfterSeconds = '1'

/** What can be asked about requests: by those alone who sent them. */
export function messageQueries(db: Queryable): readonly MountedQuery[] {
  return [
    mountQuery(getMessage, async (caller, { guid }): Promise<QueryAnswer> => {
      const entry = await findMessage(db, { guid, scope: caller })
      const body = entry === undefined ? unseen(guid) : messageView(entry)
      if (body.state !== 'pending') return { body }
      return { body, headers: { 'retry-after': retryAfterSeconds } }
    }),
    mountQuery(listMessages, (caller, { operation, key, ...page }) =>
      answerPage(page, {
        query: listMessages,
        filters: { scope: caller, operation, keys: keysOf(key) },
        select: (wanted) => selectMessages(db, wanted),
        numberOf: ({ number }) => number,
        view: messageView,
      }),
    ),
  ]
}

/** The keys that a client may mean: that of a header, or an id that stood for it. */
function keysOf(sent: string): readonly string[] {
  const key = lowerUuid(sent)
  return [`h:${key}`, `i:${key}`]
}

/** A request as its sender sees it: the key without its prefix, the answer's JSON as JSON. */
function messageView(entry: ListedEntry): Message {
  const { guid, operation, key, state, request } = entry
  return {
    guid,
    operation,
    key: key === null ? null : key.slice(2),
    state: hasEnded(state) ? 'answered' : state,
    request,
    response: responseView(entry),
  }
}

/** A service told an answer that is no JSON: its sender sees it as it is. */
function jsonOrText(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** What the edge would have answered: the command's answer, or why this request has none. */
function responseView({ state, response }: ListedEntry): Message['response'] {
  if (response !== null) return { ...response, body: response.body && jsonOrText(response.body) }
  if (state === 'key-expired') return refusal(httpProblems.keyExpired)
  return state === 'key-reused' ? refusal(httpProblems.keyReused) : null
}

function refusal(problem: ProblemContract): Message['response'] {
  return {
    status: problem.statuses[0],
    headers: { 'content-type': 'application/problem+json' },
    body: problemBody(problem),
  }
}

/** Not heard of, or another's: the same answer, so that neither can be told from the other. */
function unseen(guid: string): Message {
  return { guid, operation: null, key: null, state: 'pending', request: null, response: null }
}
