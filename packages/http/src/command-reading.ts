import { type AnyCommandContract, validate } from '@semel/contract'
import {
  type AssembledInput,
  assembleInput,
  type InputParts,
  type InputShape,
  locate,
  uncarriable,
} from './command-input.ts'
import { headerOf, type Refusal, type Request, type RequestFault } from './exchange.ts'
import { judgeMediaType, parseJson } from './json-body.ts'
import { type IfMatch, parseIfMatch } from './preconditions.ts'
import { invalid, versionRequired } from './problems.ts'

/** A command's input as it was read, and what is wrong with it. */
export type ReadInput = AssembledInput & Readonly<{ ifMatch: IfMatch }>

/** Reads the parts of a request into one input; syntax that cannot be read at all is refused. */
export function readInput(
  contract: AnyCommandContract,
  shape: InputShape,
  request: Request,
): ReadInput | Refusal {
  const { params, query } = request
  const body = readBody(contract, request)
  if ('problem' in body) return body
  const faults = uncarriable(request)
  if (faults.length > 0) return invalid(faults)
  const header = headerOf(request.headers, 'if-match')
  const parsed = parseIfMatch(header)
  const parts = { params, query, ifMatch: tagsOf(parsed, header), body: body.value }
  const { input, faults: apart } = assembleInput(shape, parts)
  return { input, faults: [...faultsOfIfMatch(contract, parsed), ...apart], ifMatch: parsed }
}

/** What the contract has against an input: its faults first, then that no version is named. */
export function judgeInput(
  contract: AnyCommandContract,
  shape: InputShape,
  { query }: Request,
  { input, faults, ifMatch }: ReadInput,
): Refusal | undefined {
  if (faults.length > 0) return invalid(faults)
  const found = validate(contract.input, input)
  if (found.length > 0) return invalid(found.map((fault) => locate(shape, query, fault)))
  const namesVersion = 'version' in input || 'ifMatch' in input
  // Weak tags alone protect nothing, but somebody asked for protection: it is never dropped.
  const isRequired = contract.requiresVersion || ifMatch.kind === 'tags'
  return isRequired && !namesVersion ? { problem: versionRequired } : undefined
}

/** What of `If-Match` is part of the input; what is no list stays text, which is never valid. */
function tagsOf(parsed: IfMatch, header: string | undefined): InputParts['ifMatch'] {
  if (parsed.kind === 'malformed') return header
  return parsed.kind === 'tags' && parsed.strong.length > 0 ? parsed.strong : undefined
}

function faultsOfIfMatch({ ifMatch }: AnyCommandContract, { kind }: IfMatch): RequestFault[] {
  if (kind === 'malformed') return [atIfMatch('is not a list of entity tags')]
  if (kind === 'absent' || ifMatch) return []
  return [atIfMatch('is not honoured here, and would promise what is not kept')]
}

function readBody(
  contract: AnyCommandContract,
  { body, headers }: Request,
): { value: unknown } | Refusal {
  const isEmpty = body === undefined || body.length === 0
  if (Object.keys(contract.body).length === 0) {
    return isEmpty ? { value: {} } : invalid([{ in: 'body', pointer: '', detail: 'must be empty' }])
  }
  if (isEmpty) return parseJson(Buffer.alloc(0))
  return judgeMediaType(headers) ?? parseJson(body)
}

function atIfMatch(detail: string): RequestFault {
  return { in: 'header', pointer: '/If-Match', detail }
}
