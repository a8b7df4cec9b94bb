import { type TSchema, Type } from 'typebox'
import type { DocumentedOperation, PlacedOperation } from './open-api.ts'
import { answersOfProblems } from './open-api-answers.ts'
import { notFound } from './problems.ts'

/** Operations that every server has, and that nobody needs a token for. */
export const serverOperations: readonly PlacedOperation[] = [
  open('/health/live', 'is-live', 'Whether the process runs', {
    200: {
      description: 'It runs.',
      content: json(Type.Object({ status: Type.Literal('live') }), { status: 'live' }),
    },
  }),
  open('/health/ready', 'is-ready', 'Whether a command would succeed', {
    200: {
      description: 'It would.',
      content: json(Type.Object({ status: Type.Literal('ready') }), { status: 'ready' }),
    },
    503: {
      description: 'It would not, for want of what is listed.',
      content: json(
        Type.Object({ status: Type.Literal('not ready'), faults: Type.Array(Type.String()) }),
        { status: 'not ready', faults: ['orders: unavailable'] },
      ),
    },
  }),
  open('/openapi.json', 'get-document', 'This document', {
    200: {
      description: 'This document.',
      content: json(Type.Object({ openapi: Type.Literal('3.1.0') }), { openapi: '3.1.0' }),
    },
  }),
  open('/problems', 'list-problems', 'Every problem there is', {
    200: {
      description: 'A line for each.',
      content: text('/problems/in-flight  the same request is still being executed\n'),
    },
  }),
  open('/problems/{name}', 'get-problem', 'What a problem means and what to do about it', {
    200: { description: 'In plain words.', content: text('in-flight (409)\n…') },
    ...answersOfProblems([notFound]),
  }),
]

function open(
  path: string,
  operationId: string,
  summary: string,
  responses: DocumentedOperation['responses'],
): PlacedOperation {
  const isNamed = path.endsWith('{name}')
  const name = {
    name: 'name',
    in: 'path',
    required: true,
    schema: Type.String(),
    example: 'in-flight',
  }
  const parameters = isNamed ? [name] : []
  const operation = { operationId, summary, tags: ['server'], security: [], parameters, responses }
  return { path, method: 'GET', operation }
}

function json(schema: object, value: object) {
  const examples = { example: { value } }
  return { 'application/json': { schema: schema as TSchema, examples } }
}

function text(value: string) {
  const examples = { example: { value } }
  return { 'text/plain': { schema: Type.String() as TSchema, examples } }
}
