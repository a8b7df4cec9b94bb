export { canonicalJson } from './canonical-json.ts'
export type { Carried, CarriedOutcome, ReadHolds } from './carried.ts'
export {
  type Command,
  type CommandId,
  type CommandOf,
  commandId,
  guidOf,
  makeCommand,
  messageId,
  sameInput,
} from './command.ts'
export {
  accept,
  type Decider,
  type Decision,
  type Message,
  type Repository,
  refuse,
} from './decider.ts'
export {
  CommandFailed,
  createExecutor,
  type Executor,
  type ExecutorOptions,
  type Outcome,
  type SubmitOptions,
} from './executor.ts'
export {
  type Fingerprint,
  type FingerprintRule,
  fingerprintOf,
  fingerprintRules,
  UnknownFingerprintRule,
} from './fingerprint.ts'
export type { Ending, Hold } from './fold.ts'
export type { CommandEnd, ExecutorObserver } from './observer.ts'
export {
  composeCaches,
  type ProcessCacheOptions,
  processReplayCache,
  type RemoteReplayCache,
  type RemoteReplayCacheCounts,
  type ReplayCache,
  type Sought,
} from './replay-cache.ts'
export {
  type RetentionOptions,
  type Sweep,
  type SweepPace,
  startSweeper,
  sweepCommands,
  sweepInBatches,
  usualRememberedMs,
} from './retention.ts'
export {
  localOperator,
  mayActFor,
  mayAsk,
  operatorScope,
  parseScope,
  type Scope,
  serviceScope,
  userOf,
  userScope,
} from './scope.ts'
export {
  type CommandRecord,
  DuplicateCommand,
  type Store,
  type SweepAges,
  type Swept,
  Unavailable,
} from './store.ts'
export { processTimers, type Timer, type Timers } from './timers.ts'
export { isTraceparent } from './traceparent.ts'
