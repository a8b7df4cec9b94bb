import type { End } from './history.ts'
import { effectOnce, sameBody, stableAnswers, truthfulErrors } from './invariants/answers.ts'
import type { Invariant } from './invariants/invariant.ts'
import { consumedOnce, messageWithCommit, neverBack, nothingLost } from './invariants/messages.ts'
import { conservation, noLostUpdate, settled } from './invariants/orders-and-money.ts'

/** The invariants of the design that one schedule can break, by their names there. */
export const invariants: Readonly<Record<string, Invariant>> = {
  'I1 effect once': effectOnce,
  'I3 same answer': stableAnswers,
  'I4 no other body': sameBody,
  'I6 message with commit': messageWithCommit,
  'I7 nothing lost': nothingLost,
  'I8 never back': neverBack,
  'I9 consumed once': consumedOnce,
  'I10 conservation': conservation,
  'I11 no lost update': noLostUpdate,
  'I12 settled': settled,
  'I15 truthful errors': truthfulErrors,
}

/** Everything that is wrong with an end, each with the invariant that it breaks. */
export function violationsOf(end: End): readonly string[] {
  return Object.entries(invariants).flatMap(([name, invariant]) =>
    invariant(end).map((what) => `${name}: ${what}`),
  )
}
