import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Case, charts, folder } from './helm.ts'

const production = parse(readFileSync(`${folder}semel/examples/production.yaml`, 'utf8'))
const database = { DATABASE_URL: { name: 'pg-app', key: 'uri' } }
const outside = { podSelector: { matchLabels: { app: 'shop' } } }
const scaled = { enabled: true, minReplicas: 3, maxReplicas: 9 }

const withoutKafka = {
  ...{ kafka: { enabled: false }, topics: { enabled: false }, postgres: { databases: ['semel'] } },
  global: {
    semel: {
      settings: { KAFKA_BROKERS: '' },
      secrets: { DATABASE_URL: { name: '{{ .Release.Name }}-postgres-semel', key: 'uri' } },
    },
  },
}

/** What is rendered and judged: every chart as it is, and what its values change most. */
export const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(
    charts.filter((chart) => chart !== 'service').map((chart) => [chart, { chart }]),
  ),
  'orders, in a release of its name': { chart: 'orders', release: 'orders' },
  'orders, in a release that YAML takes for a boolean': { chart: 'orders', release: 'true' },
  'orders, with a PostgreSQL by another name': {
    chart: 'orders',
    values: { postgres: { fullnameOverride: 'shop-data' } },
  },
  'orders, its migration alone': { chart: 'orders', values: { install: 'migration' } },
  'orders, its app alone': {
    chart: 'orders',
    values: { install: 'app', postgres: { enabled: false }, secrets: database },
  },
  'orders, upgraded': { chart: 'orders', upgrade: true },
  'gateway, by an Ingress with TLS': {
    chart: 'gateway',
    values: {
      host: 'shop.example',
      ingress: { className: 'traefik', tls: [{ hosts: ['shop.example'], secretName: 'shop' }] },
    },
  },
  'gateway, by an HTTPRoute': {
    chart: 'gateway',
    values: {
      ingress: { enabled: false },
      httpRoute: { enabled: true, parentRefs: [{ name: 'public', namespace: 'gateways' }] },
    },
  },
  'billing, autoscaled': { chart: 'billing', values: { replicas: 1, autoscaling: scaled } },
  'notifications, behind a NetworkPolicy': {
    chart: 'notifications',
    values: {
      networkPolicy: {
        enabled: true,
        from: [outside],
        metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
      },
    },
  },
  ...Object.fromEntries(
    ['postgres', 'redis', 'kafka'].map((chart) => [
      `${chart}, behind a NetworkPolicy`,
      { chart, values: { networkPolicy: { enabled: true, from: [outside] } } },
    ]),
  ),
  'messages, with names that YAML takes for numbers': {
    chart: 'messages',
    values: {
      ...{ ingress: { enabled: true, className: '1' }, priorityClassName: '2' },
      postgres: { persistence: { storageClass: '3' } },
    },
  },
  'messages, with one pod': { chart: 'messages', values: { replicas: 1 } },
  'postgres, kept': { chart: 'postgres', values: { persistence: { keep: true } } },
  'postgres, without a volume': { chart: 'postgres', values: { persistence: { enabled: false } } },
  'kafka, without a volume': { chart: 'kafka', values: { persistence: { enabled: false } } },
  'semel, upgraded': { chart: 'semel', upgrade: true },
  'semel without a Kafka, on one database': { chart: 'semel', values: withoutKafka },
  'semel in production': { chart: 'semel', release: 'store', values: production },
}
