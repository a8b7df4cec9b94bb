import {
  type Command,
  type Executor,
  isTraceparent,
  makeCommand,
  mayAsk,
  type Outcome,
  type Scope,
  type SubmitOptions,
} from '@semel/commands'
import { type AnyCommandContract, type Rendered, validate } from '@semel/contract'
import { shapeOfCommand } from './command-input.ts'
import { judgeInput, type ReadInput, readInput } from './command-reading.ts'
import {
  type Answer,
  type Headers,
  headerOf,
  type Refusal,
  type Request,
  type RequestFault,
  refusalAnswer,
} from './exchange.ts'
import type { MountedCommand } from './face.ts'
import { parseIdempotencyKey } from './idempotency-key.ts'
import type { Admission, MountContext, Route } from './mount.ts'
import { type Preferences, parsePreferences } from './preferences.ts'
import {
  forbidden,
  inFlight,
  internalError,
  keyExpired,
  keyMalformed,
  keyMissing,
  keyReused,
  notNow,
  retryAfter,
} from './problems.ts'
import { type Publish, receiptFor } from './receipt.ts'

const jsonType = 'application/json; charset=utf-8'

/**
 * The route of a command. In this order: who asks, the key's form, the body's syntax, the caller's
 * limit, what was decided under the key before, the contract, whom the command is about, the
 * decision.
 *
 * Where another process decides, it judges all of this but who asks, the key's form and the limit,
 * unless the client would rather not wait.
 *
 * A request that its contract refuses is still looked up by its key, and therefore limited: an
 * earlier release may have taken it, and then its answer is due.
 */
export function commandRoute(mounted: MountedCommand, context: MountContext): Route {
  const { contract } = mounted
  const shape = shapeOfCommand(contract)
  // Compiles the validator now, and not under the first request.
  validate(contract.input, contract.example)
  return {
    method: contract.method,
    path: contract.path,
    admit: (headers) => {
      const found = context.identify(headerOf(headers, 'authorization'))
      return found instanceof Promise
        ? found.then((scope) => admit(scope, headers))
        : admit(found, headers)
    },
    async answer(request, admission) {
      const { caller, key } = admission!
      const preferences = parsePreferences(headerOf(request.headers, 'prefer'))
      const isLater = preferences.respondAsync && contract.topic !== undefined
      const publish = isLater ? context.publish : undefined
      if ('forward' in mounted && publish === undefined) {
        return context.limit(caller, 'command', () => mounted.forward(contract.method, request))
      }
      const read = readInput(contract, shape, request)
      if ('problem' in read) return refusalAnswer(read)
      const refusal = judgeInput(contract, shape, request, read)
      const commandKey = key ?? clientMadeKey(contract, read.input)
      if (commandKey === undefined) return refusalAnswer(withoutKey(contract, read, refusal))
      const command = makeCommand(contract, {
        scope: caller,
        key: commandKey,
        input: read.input,
        receivedAt: context.clock(),
        traceparent: traceparentOf(request.headers),
      })
      // What is known without a look-up is said before the limit, and counts nothing.
      if (refusal === undefined && !mayAsk(command)) return refusalAnswer({ problem: forbidden })
      if ('forward' in mounted || publish !== undefined) {
        if (refusal !== undefined) return refusalAnswer(refusal)
        return context.limit(caller, 'command', () => take(contract, publish!, context, command))
      }
      const asked = { command, refusal, preferences }
      return context.limit(caller, 'command', () => decide(mounted, context, request, asked))
    },
  }
}

function admit(found: Scope | Refusal, headers: Headers): Answer | Admission {
  if (typeof found !== 'string') return refusalAnswer(found)
  const parsed = parseIdempotencyKey(headerOf(headers, 'idempotency-key'))
  if (parsed.kind === 'malformed') {
    return refusalAnswer({ problem: keyMalformed, members: atKey(parsed.detail) })
  }
  return { caller: found, key: parsed.kind === 'key' ? `h:${parsed.key}` : undefined }
}

function clientMadeKey({ clientMadeId }: AnyCommandContract, input: object): string | undefined {
  if (clientMadeId === undefined || !Object.hasOwn(input, clientMadeId)) return undefined
  const id: unknown = input[clientMadeId as keyof typeof input]
  return typeof id === 'string' ? `i:${id.toLowerCase()}` : undefined
}

/** An id that could have been the key, but is no text, is a fault like any other. */
function withoutKey(
  { clientMadeId }: AnyCommandContract,
  { input, faults }: ReadInput,
  refusal: Refusal | undefined,
): Refusal {
  const hasId = clientMadeId !== undefined && Object.hasOwn(input, clientMadeId)
  if (refusal !== undefined && (hasId || faults.length > 0)) return refusal
  return { problem: keyMissing, members: atKey('is required') }
}

/** A request as it was understood: a command, and what its contract has against it. */
type Asked = Readonly<{
  command: Command
  refusal: Refusal | undefined
  preferences: Preferences
}>

/** Hands a command over to be decided later, and gives a receipt: a repeat gets the same. */
async function take(
  contract: AnyCommandContract,
  publish: Publish,
  { report }: MountContext,
  command: Command,
): Promise<Answer> {
  try {
    await publish(contract, command)
    return receiptFor(command)
  } catch (error) {
    report(error)
    const isWithoutEffect = (error as { effect?: unknown } | undefined)?.effect === 'none'
    return refusalAnswer(notNow(isWithoutEffect ? 'none' : 'unknown'))
  }
}

/** Has a command decided, or recalled where its contract refuses it; renders the outcome. */
async function decide(
  { contract, executor }: Extract<MountedCommand, { executor: Executor }>,
  context: MountContext,
  { headers }: Request,
  { command, refusal, preferences }: Asked,
): Promise<Answer> {
  const options: SubmitOptions = {
    onReuse: preferences.handling === 'lenient' ? 'replay' : 'refuse',
  }
  try {
    const recalled = refusal === undefined ? undefined : await executor.recall(command, options)
    if (refusal !== undefined && recalled === undefined) return refusalAnswer(refusal)
    if (!mayAsk(command)) return refusalAnswer({ problem: forbidden })
    const outcome = recalled ?? (await executor.submit(command, options))
    return await outcomeAnswer(outcome, async () => {
      if (refusal !== undefined) return {}
      const location = contract.resource(command as never)
      const isThere = await context.exists(location, headerOf(headers, 'authorization'))
      return isThere ? { location } : {}
    })
  } catch (error) {
    context.report(error)
    return refusalAnswer(whyNot(error))
  }
}

/** Only of a command that failed by itself is it known that nothing was kept. */
function whyNot(error: unknown): Refusal {
  const isFailed = (error as { code?: unknown } | undefined)?.code === 'command-failed'
  return isFailed ? { problem: internalError } : notNow('unknown')
}

/** The W3C trace context, if it is one; what tells of the command carries it on. */
function traceparentOf(headers: Headers): string | undefined {
  const given = headerOf(headers, 'traceparent')
  return isTraceparent(given) ? given : undefined
}

/** `expired` looks where the resource is of an answer that is no longer kept. */
async function outcomeAnswer(
  outcome: Outcome,
  expired: () => Promise<Record<string, string>>,
): Promise<Answer> {
  switch (outcome.kind) {
    case 'answered':
      return answered(outcome)
    case 'key-reused':
      return refusalAnswer({ problem: keyReused })
    case 'key-expired':
      return refusalAnswer({ problem: keyExpired, headers: await expired() })
    case 'in-flight':
      return refusalAnswer({ problem: inFlight, headers: retryAfter() })
    case 'unavailable':
      return refusalAnswer(notNow(outcome.effect, outcome.retryAfterMs))
  }
}

type Decided = Extract<Outcome, { kind: 'answered' }>

function answered({ answer, replayed, reused, replayableUntil }: Decided): Answer {
  return {
    status: answer.status,
    headers: {
      ...answer.headers,
      'cache-control': 'no-store',
      'idempotency-expires': replayableUntil.toUTCString(),
      ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
      ...(reused ? { 'preference-applied': 'handling=lenient' } : {}),
    },
    body: bodyOf(answer),
  }
}

/**
 * JSON as text: Node sends it in one piece with the header, which took 13 % off the cost of a
 * request. To a problem as text the framework would add a charset that its media type lacks.
 */
function bodyOf({ headers, body }: Rendered): Buffer | string {
  return headers['content-type'] === jsonType ? body.toString() : body
}

function atKey(detail: string): { errors: readonly RequestFault[] } {
  return { errors: [{ in: 'header', pointer: '/Idempotency-Key', detail }] }
}
