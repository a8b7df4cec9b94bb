import {
  type AnyCommandContract,
  type AnyQueryContract,
  type ProblemContract,
  problemBody,
} from '@semel/contract'
import { type TProperties, type TSchema, Type } from 'typebox'
import { httpProblems } from './problems.ts'

/** How a route is described to OpenAPI, in the form that Fastify's routes take. */
export type RouteSchema = Readonly<Record<string, unknown>>

const keyHeader = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Names the intent: fresh for each one, the same for all its retries.',
  examples: ['6f1c9f5e-6a53-4b0c-9c3e-0b8f6f1f7f10'],
})
const preferHeader = Type.String({
  description: '`handling=lenient`: a reused key gets the first answer instead of `key-reused`.',
  examples: ['handling=lenient'],
})
const ifMatchHeader = Type.String({
  description: 'Strong entity tags: nothing, payments included, changed since they were seen.',
  examples: ['"1-pending"'],
})
const ifNoneMatchHeader = Type.String({
  description: 'Entity tags: 304 if the answer is still the same.',
  examples: ['"1-pending"'],
})

const answerHeaders = {
  'Idempotency-Expires': header('Until when a repeat gets this answer again.'),
  'Idempotent-Replayed': header('`true` if the answer was given before.'),
  'Preference-Applied': header('`handling=lenient` if the key belongs to another request.'),
  'Cache-Control': header('`no-store`.'),
}

/** The route of a command: parameters, body, and every answer that it can give, with an example. */
export function commandSchema(contract: AnyCommandContract): RouteSchema {
  const { params, query, body, ifMatch, operation, summary, accepted, refusals } = contract
  const { badRequest, others } = commandProblems
  const problems = [...badRequest, ...others, ...refusals]
  if (contract.requiresVersion || ifMatch) problems.push(httpProblems.versionRequired)
  return {
    operationId: operation,
    summary,
    ...partsOf({ params, querystring: query }),
    headers: Type.Object({
      'Idempotency-Key': Type.Optional(keyHeader),
      Prefer: Type.Optional(preferHeader),
      ...(ifMatch ? { 'If-Match': Type.Optional(ifMatchHeader) } : {}),
    }),
    ...(Object.keys(body).length === 0
      ? {}
      : { body: Type.Object(body, { additionalProperties: false, examples: [contract.example] }) }),
    response: {
      ...Object.fromEntries(
        accepted.map(({ status, description, body: schema, example }) => [
          status,
          {
            description,
            headers: {
              ...answerHeaders,
              ...(status === 201 ? { Location: header('Where the resource is.') } : {}),
              ...(contract.etag ? { ETag: header('The entity tag of the body.') } : {}),
            },
            content: { 'application/json': { schema, examples: { example: { value: example } } } },
          },
        ]),
      ),
      ...problemResponses(problems),
    },
  }
}

/** The route of a query. */
export function querySchema(contract: AnyQueryContract): RouteSchema {
  const { name, summary, parameters, inPath, answer, refusals, etag } = contract
  const isInPath = (parameter: string) => (inPath as readonly string[]).includes(parameter)
  const all = Object.entries(parameters as TProperties)
  const params = Object.fromEntries(all.filter(([parameter]) => isInPath(parameter)))
  const querystring = Object.fromEntries(all.filter(([parameter]) => !isInPath(parameter)))
  const { unauthenticated, forbidden, requestInvalid, unavailable, internalError } = httpProblems
  return {
    operationId: name,
    summary,
    ...partsOf({ params, querystring }),
    ...(etag
      ? { headers: Type.Object({ 'If-None-Match': Type.Optional(ifNoneMatchHeader) }) }
      : {}),
    response: {
      200: {
        description: answer.description,
        ...(etag ? { headers: { ETag: header('The entity tag of the body.') } } : {}),
        content: {
          'application/json': {
            schema: answer.body,
            examples: { example: { value: answer.example } },
          },
        },
      },
      ...(etag ? { 304: { description: 'The answer is still the same.', type: 'null' } } : {}),
      ...problemResponses([
        requestInvalid,
        unauthenticated,
        forbidden,
        unavailable,
        internalError,
        ...refusals,
      ]),
    },
  }
}

const { keyMalformed, keyMissing, requestInvalid } = httpProblems
const commandProblems: Record<'badRequest' | 'others', ProblemContract[]> = {
  badRequest: [keyMalformed, keyMissing, requestInvalid],
  others: [
    httpProblems.unauthenticated,
    httpProblems.forbidden,
    httpProblems.inFlight,
    httpProblems.keyExpired,
    httpProblems.bodyTooLarge,
    httpProblems.mediaTypeUnsupported,
    httpProblems.keyReused,
    httpProblems.tooManyRequests,
    httpProblems.unavailable,
    httpProblems.internalError,
  ],
}

function partsOf(parts: Record<string, TProperties>): Record<string, TSchema> {
  const wanted = Object.entries(parts).filter(([, schemas]) => Object.keys(schemas).length > 0)
  return Object.fromEntries(
    wanted.map(([name, schemas]) => [name, Type.Object(schemas, { additionalProperties: false })]),
  )
}

/** Problems by status; those that share one are told apart by their `type`. */
function problemResponses(problems: readonly ProblemContract[]): Record<number, unknown> {
  const statuses = [...new Set(problems.flatMap((each) => each.statuses))].sort((a, b) => a - b)
  return Object.fromEntries(
    statuses.map((status) => {
      const those = problems.filter((each) => each.statuses.includes(status))
      const schemas = those.map((each) => problemSchema(each, status))
      return [
        status,
        {
          description: those.map(({ name, title }) => `${name}: ${title}`).join(' · '),
          content: {
            'application/problem+json': {
              schema: schemas.length === 1 ? schemas[0] : Type.Union(schemas),
              examples: Object.fromEntries(
                those.map((each) => [each.name, { value: problemExample(each, status) }]),
              ),
            },
          },
        },
      ]
    }),
  )
}

function problemSchema({ name, title, members, constants }: ProblemContract, status: number) {
  return Type.Object({
    type: Type.Literal(`/problems/${name}`),
    title: Type.Literal(title),
    status: Type.Literal(status),
    ...Object.fromEntries(
      Object.entries(constants).map(([member, value]) => [member, Type.Literal(value)]),
    ),
    ...members,
  })
}

const memberExamples: Record<string, unknown> = {
  currentVersion: 2,
  effect: 'none',
  errors: [{ in: 'body', pointer: '/lines/0/quantity', detail: 'must be >= 1' }],
}

function problemExample(contract: ProblemContract, status: number) {
  const members = Object.keys(contract.members).filter((member) => member in memberExamples)
  const examples = members.map((member) => [member, memberExamples[member]])
  return problemBody(contract, Object.fromEntries(examples), status)
}

function header(description: string) {
  return { type: 'string', description }
}
