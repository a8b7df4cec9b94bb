import { mayActFor, type Scope } from '@semel/commands'
import { type AnyQueryContract, normalised, type ProblemContract, validate } from '@semel/contract'
import {
  assembleParameters,
  type InputShape,
  locate,
  shapeOfQuery,
  uncarriable,
} from './command-input.ts'
import {
  type Answer,
  headerOf,
  jsonAnswer,
  type Refusal,
  type Request,
  refusalAnswer,
} from './exchange.ts'
import type { MountedQuery, QueryAnswer } from './face.ts'
import type { Admission, MountContext, Route } from './mount.ts'
import { namesTag } from './preconditions.ts'
import { forbidden, internalError, invalid, notNow, requestInvalid } from './problems.ts'

/** The route of a query: who asks, the contract, whom it is about, the limit, the answer. */
export function queryRoute(mounted: MountedQuery, context: MountContext): Route {
  const { contract } = mounted
  const shape = shapeOfQuery(contract)
  // Compiles the validator now, and not under the first request.
  validate(contract.input, contract.example)
  return {
    method: 'GET',
    path: contract.path,
    admit: (headers) => {
      const found = context.identify(headerOf(headers, 'authorization'))
      return found instanceof Promise ? found.then(admit) : admit(found)
    },
    async answer(request, admission) {
      const { caller } = admission!
      if ('forward' in mounted) {
        return context.limit(caller, 'query', () => mounted.forward('GET', request))
      }
      const read = readParameters(contract, shape, request)
      if ('problem' in read) return refusalAnswer(read)
      const userId = (read.parameters as { userId?: string }).userId
      if (userId !== undefined && !mayActFor(caller, userId)) {
        return refusalAnswer({ problem: forbidden })
      }
      return context.limit(caller, 'query', async () => {
        try {
          const found = await mounted.answer(caller, read.parameters)
          return rendered(contract, found, headerOf(request.headers, 'if-none-match'))
        } catch (error) {
          context.report(error)
          return refusalAnswer(whyNot(error))
        }
      })
    },
  }
}

function admit(found: Scope | Refusal): Answer | Admission {
  if (typeof found !== 'string') return refusalAnswer(found)
  return { caller: found, key: undefined }
}

function readParameters(
  contract: AnyQueryContract,
  shape: InputShape,
  request: Request,
): { parameters: object } | Refusal {
  const uncarried = uncarriable(request)
  if (uncarried.length > 0) return invalid(uncarried)
  const { input, faults } = assembleParameters(shape, request)
  if (faults.length > 0) return invalid(faults)
  const found = validate(contract.input, input)
  if (found.length > 0) return invalid(found.map((fault) => locate(shape, request.query, fault)))
  return { parameters: normalised(contract.input, input) }
}

function rendered(
  contract: AnyQueryContract,
  found: QueryAnswer,
  ifNoneMatch: string | undefined,
): Answer {
  if ('problem' in found) {
    const { members = {} } = found
    return refusalAnswer({ problem: declared(contract, found.problem), members })
  }
  const etag = contract.etag?.(found.body)
  // A client may keep the answer for itself, and asks each time whether it still holds.
  const caching = { 'cache-control': 'private, no-cache', ...(etag === undefined ? {} : { etag }) }
  const undeclared = Object.keys(found.headers ?? {}).find(
    (name) => contract.answer.headers?.[name] === undefined,
  )
  if (undeclared !== undefined) {
    throw new TypeError(`${contract.name} declares no header ${undeclared}`)
  }
  if (etag !== undefined && namesTag(ifNoneMatch, etag)) {
    return { status: 304, headers: caching, body: undefined }
  }
  return jsonAnswer(200, found.body, { ...found.headers, ...caching })
}

/** `request-invalid` needs no declaration: every query may find its parameters to be so. */
function declared({ name, refusals }: AnyQueryContract, problem: string): ProblemContract {
  const found = [requestInvalid, ...refusals].find((refusal) => refusal.name === problem)
  if (found === undefined) throw new TypeError(`${name} declares no refusal ${problem}`)
  return found
}

function whyNot(error: unknown): Refusal {
  const isPassing = (error as { code?: unknown } | undefined)?.code === 'unavailable'
  return isPassing ? notNow('none') : { problem: internalError }
}
