export { type Address, addressError, checkAddress, urlOf } from './address.ts'
export { knowsCallers } from './callers.ts'
export { ConfigError, type ConfigRules, describeConfig, readConfig } from './config.ts'
export { exitCodeOf, exitCodes } from './exit-codes.ts'
export {
  type Check,
  createReadiness,
  type Readiness,
  type ReadinessOptions,
  type Ready,
} from './health.ts'
export {
  createLifecycle,
  type Lifecycle,
  type LifecycleOptions,
  type Stopped,
  Stopping,
} from './lifecycle.ts'
export { metricsLine, openMetrics, type ServedMetrics } from './metrics-port.ts'
export { printable } from './printable.ts'
export { runProcess } from './process.ts'
export { createReporter } from './reporter.ts'
export { retentionOf } from './retention.ts'
export {
  addressOf,
  answeringSettings,
  cacheSettings,
  callerSettings,
  currencySettings,
  databaseUrl,
  dataSettings,
  type KafkaSettings,
  kafkaSettings,
  limitSettings,
  listening,
  mailSettings,
  metricsSettings,
  readSettings,
  registerSettings,
  type ServerSettings,
  type ServiceSettings,
  sealSettings,
  serviceSettings,
  type TopicSettings,
  topicSettings,
  waitSettings,
} from './settings.ts'
export { StartError } from './start-error.ts'
export { createWhenThere, type WaitOptions, type WhenThere } from './when-there.ts'
