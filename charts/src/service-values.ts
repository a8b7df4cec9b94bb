import { Type } from 'typebox'
import { count, dnsName, flag, handedOn, object, type Properties, text } from './kinds.ts'
import {
  cliImage,
  global,
  imageOf,
  mounts,
  names,
  resourcesOf,
  scheduling,
  variablesIn,
  waiting,
} from './pieces.ts'

const exposed = {
  host: text('The host that clients name', 'arch.homework', {
    pattern: `^(\\*\\.)?${dnsName}(\\.${dnsName})*$`,
    maxLength: 253,
  }),
}

function ingressOf(enabled: boolean) {
  return {
    ...exposed,
    ingress: object('An Ingress that leads to the public paths, and to no others', {
      enabled: flag('Whether there is one', enabled),
      className: text('Its class; the cluster’s usual one by default'),
      annotations: handedOn('Its annotations', 'object'),
      tls: handedOn('Its certificates: [{hosts: […], secretName: …}]', 'array'),
    }),
    httpRoute: object('An HTTPRoute of the Gateway API that leads to the same paths', {
      enabled: flag('Whether there is one', false),
      parentRefs: handedOn('The Gateways it belongs to: [{name: …, namespace: …}]', 'array'),
      annotations: handedOn('Its annotations', 'object'),
    }),
  }
}

const pods = {
  replicas: count('Pods; with two and more, none of what happens to one is noticed', 2, 1, 100),
  resources: resourcesOf('50m', '384Mi'),
  drainSeconds: count(
    'Seconds in which a pod that is to stop takes requests yet, from those who have not heard',
    5,
    0,
    60,
  ),
  podDisruptionBudget: object('What may be taken away at once when nodes are emptied', {
    enabled: flag('Whether it is limited to one pod; only with two and more', true),
  }),
  autoscaling: object('More pods under load; the cluster has to measure (metrics-server)', {
    enabled: flag('Whether the cluster decides on the number of pods', false),
    minReplicas: count('At least so many', 2, 1, 100),
    maxReplicas: count('At most so many', 6, 1, 100),
    targetCPUUtilizationPercentage: count('Percent of the requested CPU to aim for', 70, 1, 100),
  }),
  networkPolicy: object('Who may connect to pods; it needs a network that keeps to it', {
    enabled: flag('Whether anybody is kept out', false),
    from: handedOn(
      'Who may send requests besides pods of Semel, as peers of a NetworkPolicy; where none ' +
        'is named, and an Ingress or HTTPRoute leads here, anybody',
      'array',
    ),
    metricsFrom: handedOn('Who may read metrics, as peers of a NetworkPolicy', 'array'),
  }),
}

/** What a service's chart can be told. */
export function serviceValues(chart: string): Properties {
  const owns = chart !== 'gateway'
  const migration = {
    install: Type.Enum(['all', 'migration', 'app'], {
      description:
        'What this release installs: all, the migration of the database alone, or the app alone',
      default: 'all',
    }),
    migration: object('The Job that makes or changes tables, before pods that need them', {
      timeoutSeconds: count('Seconds after which it is given up', 3600, 1, 86_400),
    }),
    postgres: {
      ...handedOn(
        'A PostgreSQL for this service alone, for development: values of its chart',
        'object',
        {
          enabled: true,
          databases: [chart],
        },
      ),
    },
  }
  return {
    ...names,
    ...pods,
    image: imageOf(`semel/${chart}`, 'The image of the service'),
    cli: object('What migrates, and probes in helm test', { image: cliImage }),
    ...(owns ? migration : {}),
    ...variablesIn(chart),
    ...waiting,
    ...ingressOf(!owns),
    ...scheduling,
    ...mounts,
    global,
  }
}
