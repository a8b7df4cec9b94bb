import { Type } from 'typebox'
import {
  count,
  flag,
  handedOn,
  hostOf,
  listOf,
  nameOf,
  object,
  type Properties,
  texts,
} from './kinds.ts'
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

const exposed = {
  host: hostOf(
    'Host name by which clients reach it, through an Ingress or HTTPRoute',
    'arch.homework',
  ),
}

function ingressOf(enabled: boolean) {
  return {
    ...exposed,
    ingress: object('An Ingress that leads to the public paths, and to no others', {
      enabled: flag('Whether there is one', enabled),
      className: nameOf('IngressClass; the cluster’s default one where empty'),
      annotations: texts('Its annotations'),
      tls: listOf('TLS of hosts: [{hosts: […], secretName: …}]', {
        hosts: Type.Optional(Type.Array(Type.String())),
        secretName: Type.Optional(Type.String()),
      }),
    }),
    httpRoute: object('An HTTPRoute of the Gateway API that leads to the same paths', {
      enabled: flag('Whether there is one', false),
      parentRefs: handedOn('The Gateways it belongs to: [{name: …, namespace: …}]', 'array'),
      annotations: texts('Its annotations'),
    }),
  }
}

const pods = {
  replicas: count(
    'Number of pods unless autoscaling is on; with two and more, clients notice no restart',
    2,
    1,
    100,
  ),
  resources: resourcesOf('50m', '384Mi'),
  drainSeconds: count(
    'Seconds for which a pod that is to stop still takes requests, until all balancers know',
    5,
    0,
    60,
  ),
  podDisruptionBudget: object(
    'PodDisruptionBudget: how many pods may go at once when nodes are drained',
    {
      enabled: flag('Whether only one may; where there are two and more', true),
    },
  ),
  autoscaling: object('HorizontalPodAutoscaler: more pods under load; needs metrics-server', {
    enabled: flag('Whether there is one', false),
    minReplicas: count('Fewest pods', 2, 1, 100),
    maxReplicas: count('Most pods', 6, 1, 100),
    targetCPUUtilizationPercentage: count(
      'Percent of the requested CPU that pods are to use on average',
      70,
      1,
      100,
    ),
  }),
  networkPolicy: networkPolicyOf(
    'Who may send requests besides pods of Semel in the namespace, as peers; where none is ' +
      'named, and an Ingress or HTTPRoute leads here, anybody',
    {
      metricsFrom: handedOn(
        'Who may read metrics, as peers of a NetworkPolicy; where none is named, nobody',
        'array',
      ),
    },
  ),
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
    cli: object(owns ? 'What migrates, and probes in helm test' : 'What probes in helm test', {
      image: cliImage,
    }),
    ...(owns ? migration : {}),
    ...variablesIn(chart),
    ...waiting,
    ...ingressOf(!owns),
    ...scheduling,
    ...mounts,
    global,
  }
}
