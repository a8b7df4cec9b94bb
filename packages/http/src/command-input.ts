import {
  type AnyCommandContract,
  type AnyQueryContract,
  carriable,
  type Fault,
} from '@semel/contract'
import type { TProperties } from 'typebox'
import type { Request, RequestFault } from './exchange.ts'

/** Which names stand where, worked out once per contract. */
export type InputShape = Readonly<{
  path: ReadonlySet<string>
  query: ReadonlySet<string>
  /** Parameters whose text is read as a whole number. */
  integers: ReadonlySet<string>
}>

/** The parts of a command, as they were sent. */
export type InputParts = Readonly<{
  params: Request['params']
  query: Request['query']
  /** Strong tags, or the field's text where it is no list of tags. */
  ifMatch: readonly string[] | string | undefined
  body: unknown
}>

/** A command's input, and what keeps its parts from being one flat object. */
export type AssembledInput = Readonly<{ input: object; faults: readonly RequestFault[] }>

const integer = /^(0|-?[1-9][0-9]{0,15})$/

/** The shape of a command's input. */
export function shapeOfCommand(contract: AnyCommandContract): InputShape {
  return shapeOf(contract.params as TProperties, contract.query as TProperties)
}

/** The shape of a query's parameters. */
export function shapeOfQuery({ parameters, inPath }: AnyQueryContract): InputShape {
  const entries = Object.entries(parameters as TProperties)
  const isInPath = ([name]: [string, unknown]) => (inPath as readonly string[]).includes(name)
  return shapeOf(
    Object.fromEntries(entries.filter(isInPath)),
    Object.fromEntries(entries.filter((entry) => !isInPath(entry))),
  )
}

/**
 * Makes one flat object of a command's parts. Where that is impossible, because the body is no
 * object or a name stands in two parts, the parts stay apart under names of their own: such an
 * input is never valid, and never mistaken for another.
 */
export function assembleInput(shape: InputShape, parts: InputParts): AssembledInput {
  const { params, ifMatch, body } = parts
  const query = readIntegers(shape, parts.query)
  const faults = collisions(shape, parts)
  const tags = ifMatch === undefined ? {} : { ifMatch }
  if (faults.length > 0) return { input: { params, query, ...tags, body }, faults }
  return { input: { ...query, ...params, ...tags, ...(body as object) }, faults }
}

/** Makes one flat object of a query's parameters. */
export function assembleParameters(
  shape: InputShape,
  { params, query }: Pick<Request, 'params' | 'query'>,
): AssembledInput {
  const faults = collisions(shape, { params, query, ifMatch: undefined, body: {} })
  return { input: { ...readIntegers(shape, query), ...readIntegers(shape, params) }, faults }
}

/** Says in which part of the request a fault of the input is. */
export function locate(
  shape: InputShape,
  query: Request['query'],
  { pointer, detail }: Fault,
): RequestFault {
  const name = (pointer.split('/')[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
  if (shape.path.has(name)) return { in: 'path', pointer, detail }
  if (shape.query.has(name) || Object.hasOwn(query, name)) return { in: 'query', pointer, detail }
  if (name === 'ifMatch') return { in: 'header', pointer: '/If-Match', detail }
  return { in: 'body', pointer, detail }
}

/** What keeps path and query from being carried unchanged: see `carriable`. */
export function uncarriable({ params, query }: Pick<Request, 'params' | 'query'>): RequestFault[] {
  return [
    ...carriable(params).map((fault) => ({ in: 'path' as const, ...fault })),
    ...carriable(query).map((fault) => ({ in: 'query' as const, ...fault })),
  ]
}

function shapeOf(path: TProperties, query: TProperties): InputShape {
  const integers = Object.entries({ ...path, ...query })
    .filter(([, schema]) => (schema as { type?: string }).type === 'integer')
    .map(([name]) => name)
  return {
    path: new Set(Object.keys(path)),
    query: new Set(Object.keys(query)),
    integers: new Set(integers),
  }
}

function readIntegers(shape: InputShape, values: Request['query']): object {
  if (shape.integers.size === 0) return values
  const read = ([name, value]: [string, unknown]) => [
    name,
    shape.integers.has(name) && typeof value === 'string' ? readInteger(value) : value,
  ]
  return Object.fromEntries(Object.entries(values).map(read))
}

/** Beyond the safe range two texts would become one number: there it stays text, and is refused. */
function readInteger(text: string): number | string {
  const number = integer.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(number) ? number : text
}

/** Names that stand in a part where another part, or nothing, is meant by them. */
function collisions(shape: InputShape, { params, query, body }: InputParts): RequestFault[] {
  const misplaced = Object.keys(query)
    .filter((name) => !shape.query.has(name))
    .filter((name) => name === 'ifMatch' || Object.hasOwn(params, name) || isMember(body, name))
    .map((name) => unknown('query', name))
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return [...misplaced, { in: 'body', pointer: '', detail: 'must be a JSON object' }]
  }
  const taken = Object.keys(body)
    .filter((name) => name === 'ifMatch' || shape.path.has(name) || shape.query.has(name))
    .map((name) => unknown('body', name))
  return [...misplaced, ...taken]
}

function isMember(body: unknown, name: string): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
}

function unknown(part: RequestFault['in'], name: string): RequestFault {
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return { in: part, pointer, detail: 'is not known here' }
}
