import { expect, it } from 'vitest'
import { type Case, describeWithHelm, refusalOf } from './helm.ts'

// What cannot work is refused by name, before anything is installed.

type Refused = Case & Readonly<{ says: readonly string[] }>

const told = (settings: object, secrets: object = {}) => ({
  global: { semel: { settings, secrets } },
})

const values: Readonly<Record<string, Refused>> = {
  'a value that nothing knows': {
    chart: 'orders',
    values: { replica: 3 },
    says: ['orders', "additional properties 'replica' not allowed"],
  },
  'a variable that the process does not read': {
    chart: 'orders',
    values: { settings: { KAFKA_BROKER: 'kafka:9092' } },
    says: ['/settings', "'KAFKA_BROKER' not allowed"],
  },
  'a variable that no process reads': {
    chart: 'semel',
    values: told({ KAFKA_BROKER: 'kafka:9092' }),
    says: ['/global/semel/settings', "'KAFKA_BROKER' not allowed"],
  },
  'a value that a chart below does not know': {
    chart: 'semel',
    values: { billing: { replica: 3 } },
    says: ['billing', "'replica' not allowed"],
  },
  'a part that semel does not have': {
    chart: 'semel',
    values: { shipping: { enabled: true } },
    says: ["'shipping' not allowed"],
  },
  'a secret among settings': {
    chart: 'orders',
    values: { settings: { AUTH_JWT_SECRET: 'x'.repeat(40) } },
    says: ['/settings', "'AUTH_JWT_SECRET' not allowed"],
  },
  'a secret in values': {
    chart: 'orders',
    values: { secrets: { AUTH_JWT_SECRET: 'x'.repeat(40) } },
    says: ['/secrets/AUTH_JWT_SECRET', 'got string, want object'],
  },
  'a value of another type': {
    chart: 'orders',
    values: { replicas: 'two' },
    says: ['/replicas', 'got string, want integer'],
  },
  'no pods': { chart: 'orders', values: { replicas: 0 }, says: ['/replicas', 'minimum'] },
  'a prefix that topics cannot have': {
    chart: 'topics',
    values: { settings: { KAFKA_TOPIC_PREFIX: 'a_b' } },
    says: ['/settings/KAFKA_TOPIC_PREFIX', 'a_b'],
  },
  'a host that is none': {
    chart: 'gateway',
    values: { host: 'not a host' },
    says: ['/host', 'not a host'],
  },
  'another part of a service': {
    chart: 'orders',
    values: { install: 'database' },
    says: ['/install', "'all', 'migration', 'app'"],
  },
  'a database with a name that PostgreSQL needs': {
    chart: 'postgres',
    values: { databases: ['postgres'] },
    says: ['/databases/0'],
  },
  'a registry by its URL, as no image is named': {
    chart: 'semel',
    values: { global: { semel: { image: { registry: 'https://registry.example' } } } },
    says: ['/global/semel/image/registry', 'https://registry.example'],
  },
  'an image that would be more than an image': {
    chart: 'orders',
    values: { image: { tag: '1 # no' }, cli: { image: { repository: 'semel/cli\nenv: []' } } },
    says: ['/image/tag', '/cli/image/repository'],
  },
  'a class that is no name': {
    chart: 'gateway',
    values: { ingress: { className: 'a: b' }, priorityClassName: 'high\nhostNetwork: true' },
    says: ['/ingress/className', '/priorityClassName'],
  },
  'an annotation that is no text': {
    chart: 'gateway',
    values: { ingress: { annotations: { rewrite: true } }, podAnnotations: { port: 9464 } },
    says: ['/ingress/annotations/rewrite', '/podAnnotations/port', 'want string'],
  },
  'a label of pods that tells them apart': {
    chart: 'orders',
    values: { podLabels: { 'app.kubernetes.io/name': 'shop' } },
    says: ["invalid propertyName 'app.kubernetes.io/name'"],
  },
  'a Secret of a registry by its name alone': {
    chart: 'redis',
    values: { imagePullSecrets: ['registry'] },
    says: ['/imagePullSecrets/0', 'want object'],
  },
  'TLS of a host that is not among hosts': {
    chart: 'gateway',
    values: { ingress: { tls: [{ host: 'shop.example' }] } },
    says: ['/ingress/tls/0', "'host' not allowed"],
  },
  'a value that is taken away': {
    chart: 'orders',
    values: { waitSeconds: null, host: null, ingress: null, postgres: { databases: null } },
    says: ['missing properties', 'waitSeconds', 'host', 'ingress', "'databases'"],
  },
  'a size that is none': {
    chart: 'kafka',
    values: { persistence: { size: 'much' } },
    says: ['/persistence/size', 'much'],
  },
}

const charts: Readonly<Record<string, Refused>> = {
  'an HTTPRoute without a Gateway': {
    chart: 'gateway',
    values: { httpRoute: { enabled: true } },
    says: ['httpRoute.parentRefs'],
  },
  'fewer pods at most than at least': {
    chart: 'orders',
    values: { autoscaling: { enabled: true, minReplicas: 8 } },
    says: ['autoscaling.minReplicas 8', 'autoscaling.maxReplicas 6'],
  },
  'an app on a new database, in which nobody makes tables': {
    chart: 'orders',
    values: { install: 'app' },
    says: ['install=app', 'postgres.enabled=false', 'secrets.DATABASE_URL.name'],
  },
  'a Job that is given up while it waits': {
    chart: 'topics',
    values: { timeoutSeconds: 300 },
    says: ['timeoutSeconds 300 of the Job shop-topics', 'more than waitSeconds 300'],
  },
  'a service without a database': {
    chart: 'orders',
    values: { postgres: { enabled: false } },
    says: ['orders has no database', 'secrets.DATABASE_URL.name', 'postgres.enabled=true'],
  },
  'a service with two databases': {
    chart: 'orders',
    values: { secrets: { DATABASE_URL: { name: 'pg-app', key: 'uri' } } },
    says: ['secrets.DATABASE_URL', 'postgres.enabled=false'],
  },
  'a PostgreSQL without the database of its service': {
    chart: 'orders',
    values: { postgres: { databases: ['order'] } },
    says: ['postgres.databases lacks orders'],
  },
  'a name that is too long for what is derived from it': {
    chart: 'notifications',
    release: 'a-release-whose-name-goes-on-and-on-and-on',
    says: ['a-release-whose-name-goes-on-and-on-and-on-', 'at most 48'],
  },
  'a Secret that is called as the one which the release makes': {
    chart: 'orders',
    values: {
      postgres: { enabled: false },
      secrets: { DATABASE_URL: { name: '{{ .Release.Name }}-{{ .Chart.Name }}', key: 'uri' } },
    },
    says: ['secrets.DATABASE_URL names the Secret shop-orders', 'a Secret of another name'],
  },
  'a release with a dot, which no Service has': {
    chart: 'redis',
    release: 'shop.eu',
    says: ['the name shop.eu-redis', 'choose another name for the release'],
  },
  'a release that begins with a digit, with which a Service does not begin everywhere': {
    chart: 'redis',
    release: '2nd',
    says: ['the name 2nd-redis', 'has to begin with a letter'],
  },
  'a name that YAML takes for a boolean': {
    chart: 'redis',
    values: { fullnameOverride: 'true' },
    says: ['the name true', 'fullnameOverride'],
  },
  'a release whose PostgreSQL has the Secret of the service': {
    chart: 'orders',
    release: 'postgres',
    says: ['the Secret postgres-orders', 'choose another name for the release'],
  },
}

const umbrella: Readonly<Record<string, Refused>> = {
  'a Kafka that the release no longer brings': {
    chart: 'semel',
    values: { kafka: { enabled: false } },
    says: ['kafka.enabled=false', 'shop-kafka', 'set global.semel.settings.KAFKA_BROKERS'],
  },
  'topics in no Kafka': {
    chart: 'semel',
    values: { kafka: { enabled: false }, ...told({ KAFKA_BROKERS: '' }) },
    says: ['KAFKA_BROKERS', 'topics.enabled=false'],
  },
  'services that no Kafka and no database would connect': {
    chart: 'semel',
    values: {
      ...{ kafka: { enabled: false }, topics: { enabled: false } },
      ...told({ KAFKA_BROKERS: '' }),
    },
    says: ['share one database', 'postgres.databases={semel}', 'shop-postgres-semel'],
  },
  'a Redis that the release no longer brings': {
    chart: 'semel',
    values: { redis: { enabled: false } },
    says: ['redis.enabled=false', 'shop-redis', 'to nothing'],
  },
  'a PostgreSQL that the release no longer brings': {
    chart: 'semel',
    values: { postgres: { enabled: false } },
    says: ['postgres.enabled=false', 'shop-postgres', 'global.semel.secrets.DATABASE_URL'],
  },
  'a PostgreSQL without the database of a service': {
    chart: 'semel',
    values: { postgres: { databases: ['messages', 'orders', 'billing'] } },
    says: ['postgres.databases lacks notifications'],
  },
  'a service apart from the Kafka of the others': {
    chart: 'semel',
    values: { orders: { settings: { KAFKA_BROKERS: '' } } },
    says: ['orders has a database of its own', 'without Kafka'],
  },
  'a gateway without a Kafka, and without the database that it needs then': {
    chart: 'semel',
    values: { gateway: { settings: { KAFKA_BROKERS: '' } } },
    says: ['postgres.databases lacks gateway'],
  },
  'a Kafka that one service alone still seeks in the release': {
    chart: 'semel',
    values: {
      ...{ kafka: { enabled: false }, ...told({ KAFKA_BROKERS: 'kafka:9092' }) },
      billing: { settings: { KAFKA_BROKERS: '{{ .Release.Name }}-kafka:9092' } },
    },
    says: ['kafka.enabled=false', 'shop-kafka'],
  },
  'a service of which only the name is said, with a PostgreSQL of its own': {
    chart: 'semel',
    values: { orders: null },
    says: ['set orders.postgres.enabled=false'],
  },
  'a PostgreSQL of which only the name is said, without databases of services': {
    chart: 'semel',
    values: { postgres: null },
    says: ['postgres.databases lacks messages'],
  },
  'a service on a new database, in which nobody makes its tables': {
    chart: 'semel',
    values: { orders: { install: 'app' } },
    says: ['orders.install=app', 'set orders.install=all'],
  },
  'a PostgreSQL of one service': {
    chart: 'semel',
    values: { orders: { postgres: { enabled: true } } },
    says: ['set orders.postgres.enabled=false'],
  },
  'a chart that others would not find': {
    chart: 'semel',
    values: { kafka: { fullnameOverride: 'broker' } },
    says: ['kafka.fullnameOverride', 'name the release otherwise'],
  },
  'a release named as one of its charts': {
    chart: 'semel',
    release: 'orders',
    says: ['a release of semel cannot be named orders'],
  },
}

describeWithHelm('charts refuse', () => {
  it.each(Object.entries({ ...values, ...charts, ...umbrella }))(
    '%s',
    async (_, { says, ...one }) => {
      const refusal = await refusalOf(one)

      for (const words of says) expect(refusal).toContain(words)
    },
  )
})
