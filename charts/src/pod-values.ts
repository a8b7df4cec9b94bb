import { Type } from 'typebox'
import {
  count,
  dnsName,
  flag,
  handedOn,
  listOf,
  nameOf,
  object,
  type Properties,
  text,
  texts,
} from './kinds.ts'

// What charts are told of their pods: how they are called, of which image, where they run.

export const names = {
  fullnameOverride: text(
    'Name of all that it makes; by default `<release>-<chart>`, or `<chart>` if both are one',
    '',
    { pattern: `^(${dnsName})?$`, maxLength: 48 },
  ),
}

/** A registry is a host, as it stands before the name of an image: no https://. */
export const registryOf = {
  pattern: '^([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[-._a-z0-9]+)*/?)?$',
}
const repositoryOf = { pattern: '^[a-z0-9]+([-._/]+[a-z0-9]+)*$' }
const tagOf = { pattern: '^([A-Za-z0-9_][-.A-Za-z0-9_]{0,127})?$' }

/** An image of ours, unless `official` says where another's is. */
export function imageOf(
  repository: string,
  description: string,
  official: Readonly<{ registry: string; tag: string }> = { registry: '', tag: '' },
) {
  const { registry, tag } = official
  const isOurs = registry === ''
  return object(description, {
    registry: text(
      isOurs ? 'Registry; global.semel.image.registry by default' : 'Registry',
      registry,
      registryOf,
    ),
    repository: text('Repository', repository, repositoryOf),
    tag: text(isOurs ? 'Tag; the chart’s appVersion by default' : 'Tag', tag, tagOf),
    digest: text('Digest (sha256:…) to pull by; the tag is then for readers alone', '', {
      pattern: '^(sha256:[0-9a-f]{64})?$',
    }),
    pullPolicy: Type.Enum(['Always', 'IfNotPresent', 'Never'], {
      description: 'Pull policy',
      default: 'IfNotPresent',
    }),
  })
}

/** The image that migrates, makes topics and probes. */
export const cliImage = imageOf('semel/cli', 'The image of the command line')

export function resourcesOf(cpu: string, memory: string) {
  return handedOn(
    'Requests and limits of a container: memory is limited to its request, CPU is not',
    'object',
    {
      requests: { cpu, memory },
      limits: { memory },
    },
  )
}

export function pullSecretsOf(description: string) {
  return listOf(`${description}: [{name: …}]`, { name: Type.String({ minLength: 1 }) })
}

export const scheduling = {
  imagePullSecrets: pullSecretsOf(
    'Secrets with the credentials of registries, besides global.semel.image.pullSecrets',
  ),
  nodeSelector: texts('Labels of the nodes on which pods may run'),
  tolerations: handedOn('Taints of nodes that pods tolerate', 'array'),
  affinity: handedOn('Affinity of pods to nodes and to other pods', 'object'),
  priorityClassName: nameOf('PriorityClass of pods'),
  podAnnotations: texts('Annotations of pods'),
  podLabels: texts('Labels of pods, besides those of the chart', {
    propertyNames: { not: { pattern: '^(app\\.kubernetes\\.io|helm\\.sh)/' } },
  }),
}

export function networkPolicyOf(from: string, more: Properties = {}) {
  return object('NetworkPolicy: who may connect to pods; needs a network that enforces it', {
    enabled: flag('Whether there is one', false),
    from: handedOn(from, 'array'),
    ...more,
  })
}

export const mounts = {
  volumes: handedOn('Volumes of pods, such as the CA of a Kafka', 'array'),
  volumeMounts: handedOn('Where containers mount them', 'array'),
}

export const waiting = {
  waitSeconds: count(
    'Seconds to wait at start for what may come yet: the database, its tables, topics',
    300,
    0,
    3600,
  ),
}
