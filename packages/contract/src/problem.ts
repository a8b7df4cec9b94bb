import type { TProperties } from 'typebox'

/**
 * A problem a client can meet: one page under `/problems/<name>`, one shape on the wire (RFC 9457).
 *
 * `statuses` lists every HTTP status the problem can travel under; the first is the default.
 * `members` are the extra members of the body. `constants` are extra members whose value never
 * varies, such as a legacy code. `recorded` says whether the answer is part of the command log and
 * replayed, or given anew each time. `example` holds the extra members that documents show.
 */
export interface ProblemContract<Name extends string = string> {
  readonly name: Name
  readonly title: string
  readonly statuses: readonly [number, ...number[]]
  readonly recorded: boolean
  /** What happened and what to do about it: the text of the problem's page. */
  readonly explanation: string
  readonly members: TProperties
  readonly constants: Readonly<Record<string, string | number>>
  readonly example: Readonly<Record<string, unknown>>
}

/** Declares a problem. See {@link ProblemContract} for the parts. */
export function problem<const Name extends string>(
  declaration: Pick<ProblemContract<Name>, 'name' | 'title' | 'statuses' | 'explanation'> &
    Partial<Pick<ProblemContract, 'recorded' | 'members' | 'constants' | 'example'>>,
): ProblemContract<Name> {
  return { recorded: false, members: {}, constants: {}, example: {}, ...declaration }
}

/** Renders a problem as the members of its RFC 9457 body. */
export function problemBody(
  contract: ProblemContract,
  members: Readonly<Record<string, unknown>> = {},
  status: number = contract.statuses[0],
): Readonly<Record<string, unknown>> {
  return {
    type: `/problems/${contract.name}`,
    title: contract.title,
    status,
    ...contract.constants,
    ...members,
  }
}
