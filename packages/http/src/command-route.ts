import { type Command, makeCommand, mayActFor, type Outcome, type Scope } from '@semel/commands'
import { type AnyCommandContract, type Fault, validate } from '@semel/contract'
import type { MountedCommand } from './face.ts'
import { parseKey } from './idempotency-key.ts'
import { parseJsonBody } from './json-body.ts'
import { parseIfMatch } from './preconditions.ts'
import { type Preferences, parsePreferences } from './preferences.ts'
import { httpProblems, type SentProblem, sentProblem } from './problems.ts'

/** A request for a command, taken apart by nobody yet. */
export type CommandRequest = Readonly<{
  params: Readonly<Record<string, string>>
  query: Readonly<Record<string, string | string[]>>
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer | undefined
  receivedAt: Date
}>

/** An answer, to be sent as it is. */
export type SentAnswer = SentProblem

/** Looks up whether a path has a resource that this caller may see. */
export type Exists = (path: string) => Promise<boolean>

/**
 * Answers a request for a command: the table of the HTTP contract (design, section 6), row by row.
 * The first that matches wins; what fails before `submit` executes nothing and records nothing.
 */
export async function answerCommand(
  { contract, executor }: MountedCommand,
  caller: Scope,
  request: CommandRequest,
  exists: Exists,
): Promise<SentAnswer> {
  const read = readCommand(contract, caller, request)
  if ('refused' in read) return read.refused
  const { command, unmet, preferences } = read
  const options = { onReuse: preferences.lenient ? 'replay' : 'refuse' } as const
  // A stricter release must not break an old retry: what was decided once is valid for its key.
  const outcome = unmet === undefined ? undefined : await executor.recall(command, options)
  if (unmet !== undefined && outcome === undefined) return unmet
  if (!mayActForInput(caller, command.input)) return sentProblem(httpProblems.forbidden)
  return sentOutcome(
    outcome ?? (await executor.submit(command, options)),
    contract,
    command,
    exists,
  )
}

/** Whether a caller may act for the user that an input names, if it names one. */
export function mayActForInput(caller: Scope, input: unknown): boolean {
  const { userId } = input as { userId?: unknown }
  return typeof userId !== 'string' || mayActFor(caller, userId)
}

/** `request-invalid`, with what is wrong and where. */
export function requestInvalid(
  faults: readonly (Fault & { in: 'body' | 'path' | 'query' | 'header' })[],
): SentProblem {
  const errors = faults.map(({ in: place, pointer, detail }) => ({ in: place, pointer, detail }))
  return sentProblem(httpProblems.requestInvalid, { errors })
}

type ReadCommand =
  | Readonly<{ refused: SentProblem }>
  /** `unmet`: the problem to answer with, unless the key is known. */
  | Readonly<{ command: Command; unmet: SentProblem | undefined; preferences: Preferences }>

function readCommand(
  contract: AnyCommandContract,
  caller: Scope,
  { params, query, headers, body, receivedAt }: CommandRequest,
): ReadCommand {
  const parsedKey = parseKey(one(headers['idempotency-key']))
  if (parsedKey === 'malformed') return { refused: sentProblem(httpProblems.keyMalformed) }
  const precondition = parseIfMatch(one(headers['if-match']))
  if (precondition === 'malformed') {
    const detail = 'is neither * nor a list of entity tags'
    return { refused: requestInvalid([{ in: 'header', pointer: '/If-Match', detail }]) }
  }
  const parsedBody = readBody(contract, body)
  if ('faults' in parsedBody) {
    return { refused: requestInvalid(parsedBody.faults.map((each) => ({ in: 'body', ...each }))) }
  }
  const tags = contract.ifMatch ? precondition.tags : undefined
  const input = inputOf(contract, params, query, parsedBody.value, tags)
  const key = keyOf(contract, parsedKey, parsedBody.value)
  if (key === undefined) return { refused: sentProblem(httpProblems.keyMissing) }
  return {
    command: makeCommand(contract, { scope: caller, key, input, receivedAt }),
    unmet: unmetBy(contract, input, precondition.onlyWeak),
    preferences: parsePreferences(one(headers.prefer)),
  }
}

function readBody(contract: AnyCommandContract, body: Buffer | undefined) {
  const wanted = Object.keys(contract.body).length > 0
  if (wanted) return parseJsonBody(body ?? Buffer.alloc(0))
  if (body === undefined || body.length === 0) return { value: {} }
  return { faults: [{ pointer: '', detail: 'is not wanted here; leave it out' }] }
}

/**
 * One flat object of all that the client sent. A body that is no object, or that has a member which
 * belongs elsewhere, is set apart as `body`: no two requests may become the same input, and this
 * one is refused by its schema.
 */
function inputOf(
  contract: AnyCommandContract,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string | string[]>>,
  body: unknown,
  ifMatch: readonly string[] | undefined,
): object {
  const elsewhere = {
    ...query,
    ...numbersOf(contract, query),
    ...params,
    ...(ifMatch === undefined ? {} : { ifMatch }),
  }
  const flat = isPlainObject(body) && !Object.keys(body).some((name) => isReserved(contract, name))
  return flat ? { ...body, ...elsewhere } : { ...elsewhere, body }
}

function isReserved({ params, query }: AnyCommandContract, name: string): boolean {
  return name === 'ifMatch' || Object.hasOwn(params, name) || Object.hasOwn(query, name)
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parameters arrive as text: those that are to be integers, and are, become so. */
function numbersOf(
  { query: schemas }: AnyCommandContract,
  query: Readonly<Record<string, string | string[]>>,
): Record<string, number> {
  const numbers = Object.entries(query).flatMap(([name, value]) => {
    const wanted = Object.hasOwn(schemas, name) && schemas[name].type === 'integer'
    const number = wanted ? integerOf(value) : undefined
    return number === undefined ? [] : [[name, number] as const]
  })
  return Object.fromEntries(numbers)
}

/** The integer that a text writes in its one usual form. */
export function integerOf(text: string | string[]): number | undefined {
  const number = Number(text)
  return Number.isSafeInteger(number) && String(number) === text ? number : undefined
}

function keyOf(
  { clientMadeId }: AnyCommandContract,
  parsed: 'absent' | { key: string },
  body: unknown,
): string | undefined {
  if (parsed !== 'absent') return `h:${parsed.key}`
  if (clientMadeId === undefined || !isPlainObject(body)) return undefined
  const id = Object.hasOwn(body, clientMadeId) && body[clientMadeId as keyof typeof body]
  return typeof id === 'string' ? `i:${(id as string).toLowerCase()}` : undefined
}

function unmetBy(
  contract: AnyCommandContract,
  input: object,
  onlyWeak: boolean,
): SentProblem | undefined {
  const faults = validate(contract.input, input)
  if (faults.length > 0) return requestInvalid(faults.map((each) => placed(contract, each)))
  const { version, ifMatch } = input as { version?: number; ifMatch?: unknown }
  const stated = version !== undefined || ifMatch !== undefined
  // A weak tag alone asks for a protection that cannot be given: better refused than dropped.
  const wanted = contract.requiresVersion || (contract.ifMatch && onlyWeak)
  return wanted && !stated ? sentProblem(httpProblems.versionRequired) : undefined
}

function placed(contract: AnyCommandContract, { pointer, detail }: Fault) {
  const name = pointer.split('/')[1] ?? ''
  if (name === 'body' && !Object.hasOwn(contract.body, 'body')) {
    return { in: 'body', pointer: '', detail: misplacedBody } as const
  }
  const place = Object.hasOwn(contract.params, name)
    ? 'path'
    : Object.hasOwn(contract.query, name) || !takesBody(contract)
      ? 'query'
      : 'body'
  return { in: place, pointer, detail } as const
}

const misplacedBody = 'must be an object with the members of this request and no others'

function takesBody(contract: AnyCommandContract): boolean {
  return Object.keys(contract.body).length > 0
}

async function sentOutcome(
  outcome: Outcome,
  contract: AnyCommandContract,
  command: Command,
  exists: Exists,
): Promise<SentAnswer> {
  switch (outcome.kind) {
    case 'answered':
      return {
        status: outcome.answer.status,
        headers: {
          ...outcome.answer.headers,
          'idempotency-expires': outcome.replayableUntil.toUTCString(),
          ...(outcome.replayed ? { 'idempotent-replayed': 'true' } : {}),
          ...(outcome.reused ? { 'preference-applied': 'handling=lenient' } : {}),
        },
        body: outcome.answer.body,
      }
    case 'key-reused':
      return sentProblem(httpProblems.keyReused)
    case 'key-expired':
      return sentProblem(httpProblems.keyExpired, {}, await locationOf(contract, command, exists))
    case 'in-flight':
      return sentProblem(httpProblems.inFlight, {}, { 'retry-after': '1' })
    case 'unavailable': {
      const retryAfter = String(Math.max(1, Math.ceil(outcome.retryAfterMs / 1000)))
      const { effect } = outcome
      return sentProblem(httpProblems.unavailable, { effect }, { 'retry-after': retryAfter })
    }
  }
}

/** Where to look what came of a command whose answer is gone; nothing where there is nothing. */
async function locationOf(
  contract: AnyCommandContract,
  command: Command,
  exists: Exists,
): Promise<Record<string, string>> {
  const path = contract.resource(command as never)
  return (await exists(path)) ? { location: path } : {}
}

/** Node gives an array only for headers that it never joins; none of ours is one. */
function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}
