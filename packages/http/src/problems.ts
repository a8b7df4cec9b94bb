import { type ProblemContract, problem } from '@semel/contract'
import { Type } from 'typebox'
import type { Refusal, RequestFault } from './exchange.ts'

const faultsMax = 20
/** How long those wait who are told of no other time. */
const retryAfterMs = 1000
const errors = Type.Array(
  Type.Object({
    in: Type.Union([
      Type.Literal('body'),
      Type.Literal('path'),
      Type.Literal('query'),
      Type.Literal('header'),
    ]),
    pointer: Type.String({ description: 'an RFC 6901 pointer into that part' }),
    detail: Type.String(),
  }),
  { description: 'what is wrong, and where', minItems: 1, maxItems: faultsMax },
)
const detail = Type.Optional(Type.String({ description: 'what is wrong this time' }))

function exampleErrors(where: RequestFault['in'], pointer: string, what: string) {
  return { errors: [{ in: where, pointer, detail: what }] }
}

/** The request does not say what it should. */
export const requestInvalid = problem({
  name: 'request-invalid',
  title: 'the request is invalid',
  statuses: [400],
  explanation:
    'The request does not say what it should: `errors` lists which part is wrong (`in`), where ' +
    '(`pointer`, RFC 6901), and why. Nothing was executed and nothing was recorded: mend it and ' +
    'send it again, under the same key if you like.',
  members: { errors },
  example: exampleErrors('body', '/lines/0/quantity', 'must be >= 1'),
})

/** The key is given twice, or in a form that no key has. */
export const keyMalformed = problem({
  name: 'key-malformed',
  title: 'the idempotency key is malformed',
  statuses: [400],
  explanation:
    'Idempotency-Key must be given once, with 1 to 255 visible ASCII characters: bare (then ' +
    'without quotes, commas and semicolons) or as one quoted string. Nothing was executed.',
  members: { errors },
  example: exampleErrors('header', '/Idempotency-Key', 'must have 1 to 255 characters'),
})

/** There is neither a key nor an id that could stand for it. */
export const keyMissing = problem({
  name: 'key-missing',
  title: 'the idempotency key is missing',
  statuses: [400],
  explanation:
    'Send the header Idempotency-Key, for example a fresh UUID per intention, and send it again ' +
    'with every retry. Where a request creates something, an id that you make yourself can stand ' +
    'for it. Nothing was executed.',
  members: { errors },
  example: exampleErrors('header', '/Idempotency-Key', 'is required'),
})

/** The caller is not known. */
export const unauthenticated = problem({
  name: 'unauthenticated',
  title: 'who asks is not known',
  statuses: [401],
  explanation:
    'Send one `Authorization: Bearer` with a token that is valid now and made for this service. ' +
    'Nothing was executed.',
  members: { detail },
  example: { detail: 'the token has expired' },
})

/** The caller is known, and may not act for the user that is named. */
export const forbidden = problem({
  name: 'forbidden',
  title: 'not for this user',
  statuses: [403],
  explanation: 'The request names a user that you may not act for. Nothing was executed.',
})

/** No route has this path. */
export const notFound = problem({
  name: 'not-found',
  title: 'there is nothing at this address',
  statuses: [404],
  explanation: 'No route has this path. /openapi.json lists those there are.',
})

/** The path has routes, and none of this method. */
export const methodNotAllowed = problem({
  name: 'method-not-allowed',
  title: 'this address does not take this method',
  statuses: [405],
  explanation: 'The header Allow lists the methods that this path takes.',
})

/** The request did not arrive in time. */
export const requestTimeout = problem({
  name: 'request-timeout',
  title: 'the request took too long to arrive',
  statuses: [408],
  explanation:
    'The headers or the body did not arrive in time, and the connection was closed. Nothing was ' +
    'executed: send it again, under the same key.',
})

/** The first request of this key has no outcome yet. */
export const inFlight = problem({
  name: 'in-flight',
  title: 'the same request is still being executed',
  statuses: [409],
  explanation:
    'An earlier request with this key has no outcome yet. Send the same again after the seconds ' +
    'in Retry-After: you will get its answer.',
})

/** The key was decided, and its answer is no longer kept. */
export const keyExpired = problem({
  name: 'key-expired',
  title: 'the answer to this key is no longer kept',
  statuses: [410],
  explanation:
    'A request with this key was decided, so it is not executed again; but its answer is no ' +
    'longer kept. `Location` says where the resource is, if there is one. For something new, ' +
    'make a new key.',
})

/** The body is longer than is read. */
export const bodyTooLarge = problem({
  name: 'body-too-large',
  title: 'the body is too large',
  statuses: [413],
  explanation: 'A body may have 64 KiB. Nothing was executed.',
})

/** The body is not plain JSON in UTF-8. */
export const mediaTypeUnsupported = problem({
  name: 'media-type-unsupported',
  title: 'the body is not of a type that is read here',
  statuses: [415],
  explanation:
    'Bodies are application/json in UTF-8, and not compressed. Nothing was executed: say so in ' +
    'one Content-Type, and leave Content-Encoding out.',
})

/** The request expects what nobody here does. */
export const expectationFailed = problem({
  name: 'expectation-failed',
  title: 'what is expected is not known here',
  statuses: [417],
  explanation:
    'Expect may say 100-continue, and nothing else. Nothing was executed, and the connection was ' +
    'closed: leave the header out.',
})

/** The key was decided for another input. */
export const keyReused = problem({
  name: 'key-reused',
  title: 'the key was used for another request',
  statuses: [422],
  explanation:
    'A request with this key was decided before, and it asked for something else. This one was ' +
    'not executed. Make a new key for a new intention; with `Prefer: handling=lenient` you get ' +
    'the answer to the first request instead.',
})

/** The command changes what it does not name the version of. */
export const versionRequired = problem({
  name: 'version-required',
  title: 'say which version this is about',
  statuses: [428],
  explanation:
    'Send the version that you read, or its entity tag in If-Match, so that no edit is lost that ' +
    'was made since. `*` and weak tags do not say which. Nothing was executed.',
})

/** The caller asks for more than is allowed. */
export const rateLimited = problem({
  name: 'rate-limited',
  title: 'too many requests',
  statuses: [429],
  explanation:
    'You have asked for more than you may. Nothing was executed and nothing was recorded: send ' +
    'the same again, under the same key, after the seconds in Retry-After. RateLimit says how ' +
    'many commands you have left, RateLimit-Policy how many there are in which time. A repeat of ' +
    'what was decided, and a query, count as a tenth.',
})

/** The header is longer than is read. */
export const headersTooLarge = problem({
  name: 'headers-too-large',
  title: 'the headers are too large',
  statuses: [431],
  explanation: 'Request line and headers may have 8 KiB together. Nothing was executed.',
})

/** A bug of ours: nothing was kept. */
export const internalError = problem({
  name: 'internal-error',
  title: 'this is a bug of ours',
  statuses: [500],
  explanation:
    'The request met a bug. Nothing of it was kept, and nothing was recorded: it may be sent ' +
    'again under the same key.',
})

/** Nothing can be decided now, or what was decided cannot be known. */
export const unavailable = problem({
  name: 'unavailable',
  title: 'not now',
  statuses: [503],
  explanation:
    'The request could not be executed now. `effect` says what became of it: `none`, nothing ' +
    'happened; `unknown`, it may have happened. Either way send the same again, under the same ' +
    'key, after the seconds in Retry-After: it happens at most once.',
  members: { effect: Type.Union([Type.Literal('none'), Type.Literal('unknown')]) },
  example: { effect: 'none' },
})

/** Every problem that HTTP itself can answer with, whatever is mounted. */
export const httpProblems = {
  requestInvalid,
  keyMalformed,
  keyMissing,
  unauthenticated,
  forbidden,
  notFound,
  methodNotAllowed,
  requestTimeout,
  inFlight,
  keyExpired,
  bodyTooLarge,
  mediaTypeUnsupported,
  expectationFailed,
  keyReused,
  versionRequired,
  rateLimited,
  headersTooLarge,
  internalError,
  unavailable,
} satisfies Readonly<Record<string, ProblemContract>>

/** The request is invalid: in these places, of which the first 20 are told. */
export function invalid(faults: readonly RequestFault[]): Refusal {
  return { problem: requestInvalid, members: { errors: faults.slice(0, faultsMax) } }
}

/** Not now, but in `waitMs` milliseconds. Default 1,000. */
export function notNow(effect: 'none' | 'unknown', waitMs?: number): Refusal {
  return { problem: unavailable, members: { effect }, headers: retryAfter(waitMs) }
}

/** The field `Retry-After`: `waitMs` milliseconds in whole seconds, at least 1. Default 1,000. */
export function retryAfter(waitMs = retryAfterMs): { 'retry-after': string } {
  return { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) }
}
