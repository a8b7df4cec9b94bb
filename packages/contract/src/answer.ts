import type { AnyOperationContract } from './operation.ts'
import { problemBody } from './problem.ts'

/** A decision for: the body of the answer and, where there are several, which status it takes. */
export interface Accepted {
  readonly kind: 'accepted'
  /** Defaults to that of the contract's first accepted answer. */
  readonly status?: number
  readonly body: Readonly<Record<string, unknown>>
}

/** A decision against: a declared problem, its extra members, and its status if it has several. */
export interface Refused {
  readonly kind: 'refused'
  readonly problem: string
  readonly members: Readonly<Record<string, unknown>>
  readonly status?: number
  /** Where the resource lives that stands in the way, if the caller may know it. */
  readonly location?: string
}

/** What is told to other services, before it is given an id and a position. */
export interface Outgoing {
  readonly topic: string
  /** Messages with the same partition key are read in the order they were told. */
  readonly partitionKey: string
  readonly type: string
  readonly body: unknown
}

/**
 * An answer as bytes: what is recorded, and what every repeat gets.
 *
 * The only headers an answer has are `content-type`, `location` and `etag`; a replay can therefore
 * never carry a cookie, a token or a rate limit of the first caller.
 */
export interface Rendered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * Renders a decision by its contract, to bytes.
 *
 * @throws TypeError when the decision names a status or a problem the contract does not declare, or
 * a header would hold what no header may: an answer that is recorded can be sent.
 */
export function renderAnswer(
  contract: AnyOperationContract,
  command: { readonly id: string; readonly input: unknown },
  outcome: Accepted | Refused,
): Rendered {
  return outcome.kind === 'accepted'
    ? renderAccepted(contract, command, outcome)
    : renderRefused(contract, outcome)
}

function renderAccepted(
  contract: AnyOperationContract,
  command: { readonly id: string; readonly input: unknown },
  { status = contract.accepted[0].status, body }: Accepted,
): Rendered {
  if (!contract.accepted.some((answer) => answer.status === status)) {
    throw new TypeError(`${contract.operation} declares no answer with status ${status}`)
  }
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(status === 201 ? { location: locationOf(contract, command) } : {}),
      ...(contract.etag === undefined ? {} : { etag: fieldValue(contract.etag(body)) }),
    },
    body: Buffer.from(JSON.stringify(body)),
  }
}

function renderRefused(contract: AnyOperationContract, refused: Refused): Rendered {
  const problem = contract.refusals.find(({ name }) => name === refused.problem)
  const status = refused.status ?? problem?.statuses[0]
  if (problem === undefined || status === undefined || !problem.statuses.includes(status)) {
    throw new TypeError(`${contract.operation} declares no refusal ${refused.problem} ${status}`)
  }
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(refused.location === undefined ? {} : { location: fieldValue(refused.location) }),
    },
    body: Buffer.from(JSON.stringify(problemBody(problem, refused.members, status))),
  }
}

function locationOf(
  { operation, resource }: AnyOperationContract,
  command: { readonly id: string; readonly input: unknown },
): string {
  if (resource === undefined)
    throw new TypeError(`${operation} declares no address of what it makes`)
  return fieldValue(resource(command))
}

/** Visible ASCII: neither a line break, which begins another header, nor what would be garbled. */
function fieldValue(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new TypeError(`not for a header: ${JSON.stringify(text)}`)
  return text
}
