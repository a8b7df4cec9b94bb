import { Type } from 'typebox'
import { count, flag, nameOf, object, type Properties, text } from './kinds.ts'
import {
  cliImage,
  imageOf,
  mounts,
  names,
  networkPolicyOf,
  resourcesOf,
  scheduling,
  waiting,
} from './pod-values.ts'
import { global, variablesIn } from './process-values.ts'

/** What the chart of topics can be told. */
export const topicsValues: Properties = {
  ...names,
  image: cliImage,
  replication: count('Replication factor: on how many brokers each topic is', 1, 1, 10),
  timeoutSeconds: count('Seconds after which the Job is given up', 600, 1, 86_400),
  ...variablesIn('topics'),
  ...waiting,
  resources: resourcesOf('50m', '256Mi'),
  ...scheduling,
  ...mounts,
  global,
}

function storedBy(size: string, kept: string) {
  return {
    persistence: object('The volume of the data', {
      enabled: flag('Whether data are in a PersistentVolumeClaim; else they go with the pod', true),
      size: text('Size of the volume', size, { pattern: '^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti)$' }),
      storageClass: nameOf('StorageClass; the cluster’s default one where empty'),
      keep: flag(kept, false),
    }),
  }
}

const docker = { registry: 'docker.io' }
const partPods = {
  networkPolicy: networkPolicyOf(
    'Who may connect besides pods of Semel in the namespace, as peers: such as those of Semel in ' +
      'another namespace',
  ),
  ...scheduling,
  global,
}

/** What PostgreSQL calls databases and roles of its own. */
const taken = ['postgres', 'template0', 'template1', 'public', 'none']

/** What the chart of a PostgreSQL for development can be told. */
export const postgresValues: Properties = {
  ...names,
  image: imageOf('library/postgres', 'The official image', { ...docker, tag: '18.4-bookworm' }),
  databases: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9]{0,40}$', not: { enum: taken } }), {
    description:
      'Databases that are made at the first start, each with an owner and a Secret of its own',
    default: ['semel'],
    minItems: 1,
    uniqueItems: true,
  }),
  maxConnections: count(
    'How many connections it takes; a pod of a service has up to 17',
    200,
    20,
    1000,
  ),
  ...storedBy('8Gi', 'Whether data and Secrets stay when the release is uninstalled'),
  resources: resourcesOf('100m', '512Mi'),
  ...partPods,
}

/** What the chart of a Redis for development can be told. */
export const redisValues: Properties = {
  ...names,
  image: imageOf('library/redis', 'The official image', { ...docker, tag: '8.2.1-bookworm' }),
  maxMemory: text(
    'Memory for answers; when it is full, those asked for longest ago are forgotten',
    '192mb',
    {
      pattern: '^[0-9]+(kb|mb|gb)$',
    },
  ),
  resources: resourcesOf('25m', '256Mi'),
  ...partPods,
}

/** What the chart of a Kafka for development can be told. */
export const kafkaValues: Properties = {
  ...names,
  image: imageOf('apache/kafka', 'The official image', { ...docker, tag: '4.3.1' }),
  heap: text('Heap of its Java', '512m', { pattern: '^[0-9]+[mg]$' }),
  ...storedBy('8Gi', 'Whether data stay when the release is uninstalled'),
  resources: resourcesOf('100m', '1Gi'),
  ...partPods,
}
