import {
  type AnyCommandContract,
  type AnyQueryContract,
  exampleOf,
  type ProblemContract,
  problemBody,
} from '@semel/contract'
import { type TProperties, type TSchema, Type } from 'typebox'
import {
  bodyTooLarge,
  expectationFailed,
  forbidden,
  headersTooLarge,
  inFlight,
  internalError,
  keyExpired,
  keyMalformed,
  keyMissing,
  keyReused,
  mediaTypeUnsupported,
  rateLimited,
  requestInvalid,
  requestTimeout,
  unauthenticated,
  unavailable,
  versionRequired,
} from './problems.ts'
import { Receipt } from './receipt.ts'

/** One answer of an operation, as OpenAPI describes it. */
export interface DocumentedAnswer {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, DocumentedContent>>
}

/** A body that an answer can have: its schema, and examples that fit it. */
export interface DocumentedContent {
  readonly schema: TSchema
  readonly examples: Readonly<Record<string, { summary?: string; value: unknown }>>
}

/** Every answer of a command, by status; `publishes`: it is taken without waiting, if asked so. */
export function answersOfCommand(
  contract: AnyCommandContract,
  publishes: boolean,
): Readonly<Record<string, DocumentedAnswer>> {
  const accepted = contract.accepted.map(({ status, description, body, example }) => [
    status,
    {
      description,
      headers: {
        ...recordedHeaders,
        ...(contract.etag === undefined ? {} : { ETag: etagHeader }),
        ...(status === 201 ? { Location: header('Where the resource is.') } : {}),
      },
      content: { 'application/json': { schema: body, examples: { example: { value: example } } } },
    },
  ])
  return {
    ...Object.fromEntries(accepted),
    ...(publishes && contract.topic !== undefined ? { 202: receipt } : {}),
    ...answersOfProblems(problemsOfCommand(contract)),
  }
}

/** Every answer of a query, by status. */
export function answersOfQuery(
  contract: AnyQueryContract,
): Readonly<Record<string, DocumentedAnswer>> {
  const { description, body, example, headers: declared = {} } = contract.answer
  const hasTag = contract.etag !== undefined
  const headers = {
    ...(hasTag ? { ETag: etagHeader } : {}),
    ...Object.fromEntries(Object.entries(declared).map(([name, text]) => [name, header(text)])),
  }
  const unchanged = {
    description: 'It is what the client has already.',
    headers: { ETag: etagHeader },
  }
  return {
    200: {
      description,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      content: { 'application/json': { schema: body, examples: { example: { value: example } } } },
    },
    ...(hasTag ? { 304: unchanged } : {}),
    ...answersOfProblems(problemsOfQuery(contract)),
  }
}

/** Every problem that a command can be answered with. */
export function problemsOfCommand(contract: AnyCommandContract): readonly ProblemContract[] {
  const hasBody = Object.keys(contract.body).length > 0
  return [
    requestInvalid,
    keyMalformed,
    keyMissing,
    unauthenticated,
    ...('userId' in contract.input.properties ? [forbidden] : []),
    requestTimeout,
    inFlight,
    keyExpired,
    bodyTooLarge,
    ...(hasBody ? [mediaTypeUnsupported] : []),
    expectationFailed,
    keyReused,
    ...(contract.requiresVersion || contract.ifMatch ? [versionRequired] : []),
    rateLimited,
    headersTooLarge,
    internalError,
    unavailable,
    ...contract.refusals,
  ]
}

/** Every problem that a query can be answered with. */
export function problemsOfQuery(contract: AnyQueryContract): readonly ProblemContract[] {
  return [
    requestInvalid,
    unauthenticated,
    ...('userId' in contract.parameters ? [forbidden] : []),
    requestTimeout,
    expectationFailed,
    headersTooLarge,
    internalError,
    unavailable,
    // Nothing that a query is told is recorded, though a command may be told the same.
    ...contract.refusals.map((refusal) => ({ ...refusal, recorded: false })),
  ]
}

/** The body of a problem under one of its statuses. */
export function problemSchema(contract: ProblemContract, status: number): TSchema {
  const constants = Object.entries(contract.constants).map(([name, value]) => [
    name,
    Type.Literal(value),
  ])
  return Type.Object({
    type: Type.Literal(`/problems/${contract.name}`),
    title: Type.Literal(contract.title),
    status: Type.Literal(status),
    ...(Object.fromEntries(constants) as TProperties),
    ...contract.members,
  })
}

/** The answers that problems are, by status. */
export function answersOfProblems(
  problems: readonly ProblemContract[],
): Readonly<Record<string, DocumentedAnswer>> {
  const statuses = [...new Set(problems.flatMap((problem) => problem.statuses))]
  return Object.fromEntries(statuses.map((status) => [status, answerOfStatus(problems, status)]))
}

function answerOfStatus(all: readonly ProblemContract[], status: number): DocumentedAnswer {
  const problems = all.filter(({ statuses }) => statuses.includes(status))
  const schemas = problems.map((problem) => problemSchema(problem, status))
  const examples = problems.map((problem) => [
    problem.name,
    { summary: problem.title, value: problemBody(problem, problem.example, status) },
  ])
  const headers = Object.assign({}, ...problems.map(headersOfProblem))
  return {
    description: problems.map(({ title }) => title).join(' · '),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    content: {
      'application/problem+json': {
        schema: schemas.length === 1 ? schemas[0]! : ({ oneOf: schemas } as TSchema),
        examples: Object.fromEntries(examples),
      },
    },
  }
}

function headersOfProblem(problem: ProblemContract): Record<string, object> {
  if (problem.recorded)
    return {
      ...recordedHeaders,
      Location: header('What stands in the way, if the caller may know.'),
    }
  if (problem === inFlight || problem === unavailable) return retryHeaders
  if (problem === rateLimited) return { ...retryHeaders, ...limitHeaders }
  if (problem === keyExpired) return { Location: header('Where the resource is, if there is one.') }
  if (problem === unauthenticated) return { 'WWW-Authenticate': header('Bearer.') }
  return {}
}

function header(description: string): object {
  return { description, schema: { type: 'string' } }
}

const receipt: DocumentedAnswer = {
  description: 'Asked for by `Prefer: respond-async`: it was taken, and will be decided.',
  headers: {
    Location: header('Where the answer will be.'),
    'Preference-Applied': header('`respond-async`.'),
  },
  content: {
    'application/json': { schema: Receipt, examples: { example: { value: exampleOf(Receipt) } } },
  },
}

const etagHeader = header('The entity tag: changes with every change.')

const recordedHeaders = {
  'Idempotency-Expires': header('Until when this answer is given again: an HTTP date.'),
  'Idempotent-Replayed': header('`true`: decided before; these are the bytes of the first answer.'),
  'Preference-Applied': header('`handling=lenient`: the answer to another request of this key.'),
}

const retryHeaders = {
  'Retry-After': header('Seconds to wait before the same request is sent again.'),
}

const limitHeaders = {
  RateLimit: header(
    'What the caller has left. Other answers have it, too, where there is a limit.',
  ),
  'RateLimit-Policy': header('How many commands there are at once, and in how many seconds again.'),
}
