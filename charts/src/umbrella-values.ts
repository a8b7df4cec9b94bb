import { handedOn, type Properties } from './kinds.ts'
import { globalOf } from './process-values.ts'

/** The charts of services, in the order in which they wait for each other. */
export const services = ['messages', 'orders', 'billing', 'notifications', 'gateway'] as const

const owners = services.filter((name) => name !== 'gateway')

function chart(description: string, usual: Readonly<Record<string, unknown>> = {}) {
  return handedOn(description, 'object', { enabled: true, ...usual })
}

/** What the umbrella can be told; below the name of a chart, what that chart can be told. */
export const umbrellaValues: Properties = {
  global: globalOf({
    settings: { KAFKA_BROKERS: '{{ .Release.Name }}-kafka:9092' },
    secrets: {
      DATABASE_URL: { name: '{{ .Release.Name }}-postgres-{{ .Chart.Name }}', key: 'uri' },
      REDIS_URL: { name: '{{ .Release.Name }}-redis', key: 'uri' },
      AUTH_JWT_SECRET: { name: '{{ .Release.Name }}-shared', key: 'AUTH_JWT_SECRET' },
      SEAL_SECRET: { name: '{{ .Release.Name }}-shared', key: 'SEAL_SECRET' },
    },
  }),
  postgres: chart('A PostgreSQL with a database for each service, for development', {
    databases: owners,
  }),
  redis: chart('A Redis in which answers are kept for repeats, for development'),
  kafka: chart('A Kafka that carries topics, for development'),
  topics: chart('The Job that makes topics'),
  ...Object.fromEntries(
    owners.map((name) => [name, chart(`The service ${name}`, { postgres: { enabled: false } })]),
  ),
  gateway: chart('The one door before them'),
}
