// Contracts are written with it; one import, one version of it.
export { type Static, Type } from 'typebox'
export {
  type Accepted,
  type Outgoing,
  type Refused,
  type Rendered,
  renderAnswer,
} from './answer.ts'
export {
  type AnyCommandContract,
  type CommandContract,
  command,
} from './command.ts'
export { commandKeyLengthMax, isCommandKey } from './command-key.ts'
export { onlyDeclared } from './declared.ts'
export {
  type AnyEventContract,
  type EventContract,
  event,
  type KeyedEventContract,
  tell,
} from './event.ts'
export { exampleOf } from './example.ts'
export {
  type AnyOperationContract,
  type InputOf,
  type OperationContract,
  reaction,
} from './operation.ts'
export { type ProblemContract, problem, problemBody } from './problem.ts'
export { type AnyQueryContract, type ParametersOf, type QueryContract, query } from './query.ts'
export { isUuid, lowerUuid } from './uuid.ts'
export { carriable, type Fault, normalised, validate } from './validation.ts'
