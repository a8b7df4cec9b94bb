import type { AnyCommandContract, AnyQueryContract } from '@semel/contract'
import { type TProperties, type TSchema, Type } from 'typebox'
import { type InputShape, shapeOfCommand, shapeOfQuery } from './command-input.ts'
import type { Face } from './face.ts'
import { answersOfCommand, answersOfQuery, type DocumentedAnswer } from './open-api-answers.ts'
import { serverOperations } from './open-api-server.ts'

/** One operation, as OpenAPI describes it. */
export interface DocumentedOperation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly security?: readonly object[]
  readonly parameters: readonly object[]
  readonly requestBody?: object
  readonly responses: Readonly<Record<string, DocumentedAnswer>>
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: object
  readonly security: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
  readonly components: object
}

/**
 * Writes the OpenAPI document of a server from the contracts that it mounts: the same objects that
 * requests are judged by, so that the two cannot differ. `publishes`: the server takes commands
 * without waiting for their answers, where a client asks so and the contract has a topic.
 */
export function openApiDocument(
  faces: readonly Face[],
  { publishes = false }: { publishes?: boolean } = {},
): OpenApiDocument {
  return withoutErrorMessages({
    openapi: '3.1.0',
    info: {
      title: 'Semel',
      version: '1.0.0',
      description:
        'Retry anything: it happens once, and the answer stays the same. Every command takes an ' +
        'Idempotency-Key; every problem has a page under /problems. A server that was started ' +
        'without a way to tell callers listens on loopback only, and asks for no token.',
    },
    security: [{ bearer: [] }, {}],
    paths: pathsOf([
      ...faces.flatMap((face) => operationsOf(face, publishes)),
      ...serverOperations,
    ]),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  })
}

/** The texts that our validation shows are no part of JSON Schema. */
function withoutErrorMessages(document: OpenApiDocument): OpenApiDocument {
  const isOurs = (name: string, value: unknown) =>
    name === 'errorMessage' && typeof value === 'string'
  const written = JSON.stringify(document, (name, value: unknown) =>
    isOurs(name, value) ? undefined : value,
  )
  return JSON.parse(written) as OpenApiDocument
}

/** An operation, and where it stands. */
export type PlacedOperation = Readonly<{
  path: string
  method: string
  operation: DocumentedOperation
}>

function pathsOf(placed: readonly PlacedOperation[]): OpenApiDocument['paths'] {
  const byPath = Map.groupBy(placed, ({ path }) => path)
  const itemOf = (at: readonly PlacedOperation[]) =>
    Object.fromEntries(at.map(({ method, operation }) => [method.toLowerCase(), operation]))
  return Object.fromEntries([...byPath].map(([path, at]) => [path, itemOf(at)]))
}

function operationsOf(
  { name, commands, queries }: Face,
  publishes: boolean,
): readonly PlacedOperation[] {
  return [
    ...commands.map(({ contract }) => placedCommand(name, contract, publishes)),
    ...queries.map(({ contract }) => placedQuery(name, contract)),
  ]
}

function placedCommand(
  tag: string,
  contract: AnyCommandContract,
  publishes: boolean,
): PlacedOperation {
  const body: TProperties = contract.body
  const names = Object.keys(body)
  const example = Object.fromEntries(names.map((name) => [name, contract.example[name]]))
  const schema = Type.Object(body, { additionalProperties: false })
  const content = { 'application/json': { schema, examples: { example: { value: example } } } }
  return {
    path: contract.path,
    method: contract.method,
    operation: {
      operationId: contract.operation,
      summary: contract.summary,
      tags: [tag],
      parameters: [
        ...parametersOf(shapeOfCommand(contract), contract.input, contract.example),
        contract.clientMadeId === undefined ? keyHeader : keyHeaderBesidesId(contract.clientMadeId),
        preferHeader,
        ...(contract.ifMatch ? [ifMatchHeader] : []),
      ],
      ...(names.length === 0 ? {} : { requestBody: { required: true, content } }),
      responses: answersOfCommand(contract, publishes),
    },
  }
}

function placedQuery(tag: string, contract: AnyQueryContract): PlacedOperation {
  const shape = shapeOfQuery(contract)
  return {
    path: contract.path,
    method: 'GET',
    operation: {
      operationId: contract.name,
      summary: contract.summary,
      tags: [tag],
      parameters: [
        ...parametersOf(shape, contract.input, contract.example),
        ...(contract.etag === undefined ? [] : [ifNoneMatchHeader]),
      ],
      responses: answersOfQuery(contract),
    },
  }
}

function parametersOf(
  shape: InputShape,
  input: { properties: TProperties; required?: readonly string[] | undefined },
  examples: Readonly<Record<string, unknown>>,
): readonly object[] {
  const parameter = (name: string, where: 'path' | 'query') => ({
    name,
    in: where,
    required: input.required?.includes(name) === true,
    schema: input.properties[name] as TSchema,
    ...(name in examples ? { example: examples[name] } : {}),
  })
  return [
    ...[...shape.path].map((name) => parameter(name, 'path')),
    ...[...shape.query].map((name) => parameter(name, 'query')),
  ]
}

function headerParameter(name: string, required: boolean, description: string, example: string) {
  return { name, in: 'header', required, description, schema: { type: 'string' }, example }
}

const keyDescription =
  'What makes a retry a retry: 1 to 255 visible ASCII characters, bare or as a quoted string. ' +
  'Fresh for every intention, the same for every retry of it.'
const keyExample = '8f14e45f-ceea-467f-a0d2-7b1b2c3d4e5f'
const keyHeader = headerParameter('Idempotency-Key', true, keyDescription, keyExample)

function keyHeaderBesidesId(id: string): object {
  const description = `${keyDescription} Required unless the body carries \`${id}\`.`
  return headerParameter('Idempotency-Key', false, description, keyExample)
}

const preferHeader = headerParameter(
  'Prefer',
  false,
  '`handling=lenient`: a key that was used for another request gets that answer, instead of 422. ' +
    '`respond-async`: a receipt now, and the answer later at its `Location`, where that is offered.',
  'handling=lenient',
)
const ifMatchHeader = headerParameter(
  'If-Match',
  false,
  'Entity tags, one of which must still hold. Weak ones never do.',
  '"3-paid"',
)
const ifNoneMatchHeader = headerParameter(
  'If-None-Match',
  false,
  'Entity tags that the client has: 304 if one of them holds.',
  '"3-paid"',
)
