export { ConfigError, type ConfigRules, describeConfig, readConfig } from './config.ts'
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
