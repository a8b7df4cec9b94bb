import { namespace } from './helm.ts'
import {
  longRunning,
  type Manifest,
  nameOf,
  ofKind,
  podsOf,
  secretsIn,
  selects,
} from './manifests.ts'
import type { Rule } from './rules.ts'

// What manifests keep to together.

const selectedBy = ['app.kubernetes.io/instance', 'app.kubernetes.io/name']
const notPublic = ['/health', '/metrics', '/replays']
/** What is shorter is the name of something rather than a secret. */
const secretLength = 24

export const clusterRules: readonly Rule[] = [
  {
    promise: 'is where the release is',
    broken: (manifests) =>
      manifests.filter(({ metadata }) => metadata.namespace !== namespace).map(nameOf),
    breaks: [
      ([first]) => delete first!.metadata.namespace,
      ([first]) => Object.assign(first!.metadata, { namespace: 'default' }),
    ],
  },
  {
    promise: 'is the only one of its kind with its name',
    broken: (manifests) => {
      const names = manifests.map(nameOf)
      return names.filter((name, index) => names.indexOf(name) !== index)
    },
    breaks: [(manifests) => (manifests as Manifest[]).push(manifests[0]!)],
  },
  {
    promise: 'gives nobody rights in the cluster',
    broken: (manifests) => manifests.filter(({ kind }) => /Role/.test(kind)).map(nameOf),
    breaks: [([first]) => Object.assign(first!, { kind: 'ClusterRoleBinding' })],
  },
  {
    promise: 'selects pods by what never changes, and its own',
    broken: (manifests) =>
      longRunning(manifests)
        .filter(({ of, labels }) => {
          const wanted = of.spec.selector.matchLabels
          return !(
            Object.keys(wanted).sort().join() === selectedBy.join() && selects(wanted, labels)
          )
        })
        .map(({ name }) => name),
    breaks: [
      (manifests) =>
        Object.assign(longRunning(manifests)[0]!.of.spec.selector.matchLabels, { version: '1' }),
      (manifests) =>
        Object.assign(longRunning(manifests)[0]!.labels, { 'app.kubernetes.io/name': 'another' }),
    ],
  },
  {
    promise: 'leads to pods of one Deployment, and to no others',
    broken: (manifests) =>
      ofKind(manifests, 'Service')
        .filter((service) => {
          const found = podsOf(manifests).filter(({ labels }) =>
            selects(service.spec.selector as never, labels),
          )
          const [pod] = found
          const ports = pod?.spec.containers.flatMap((container) => container.ports ?? []) ?? []
          return !(
            found.length === 1 &&
            ['Deployment', 'StatefulSet'].includes(pod!.of.kind) &&
            pod!.of.metadata.name === service.metadata.name &&
            service.spec.ports?.every(({ targetPort }) =>
              ports.some(({ name }) => name === targetPort),
            )
          )
        })
        .map(nameOf),
    breaks: [
      (manifests) => {
        const [pod] = longRunning(manifests)
        ;(manifests as Manifest[]).push({
          ...pod!.of,
          kind: 'Job',
          metadata: { ...pod!.of.metadata, name: 'job' },
        })
      },
      (manifests) => {
        ofKind(manifests, 'Service')[0]!.spec.selector = { app: 'none' } as never
      },
      (manifests) =>
        Object.assign(ofKind(manifests, 'Service')[0]!.spec.ports![0]!, { targetPort: 'another' }),
    ],
  },
  {
    promise: 'keeps one of two and more pods when nodes are emptied',
    broken: (manifests) =>
      ofKind(manifests, 'Deployment')
        // Without a number there are as many as an autoscaler wants.
        .filter(({ spec }) => spec.replicas !== 1)
        .filter(
          ({ spec }) =>
            !ofKind(manifests, 'PodDisruptionBudget').some((budget) =>
              selects(budget.spec.selector.matchLabels, spec.template.metadata.labels),
            ),
        )
        .map(nameOf),
    breaks: [
      (manifests) => {
        for (const { metadata, spec } of ofKind(manifests, 'PodDisruptionBudget')) {
          metadata.name = 'another'
          spec.selector.matchLabels = { app: 'another' }
        }
      },
    ],
  },
  {
    promise: 'says no secret but in Secrets',
    broken: (manifests) => {
      const secrets = [...secretsIn(manifests).values()]
        .flatMap((secret) => Object.values(secret))
        .filter((text) => text.length >= secretLength)
      return manifests
        .filter(({ kind }) => kind !== 'Secret')
        .filter((manifest) => secrets.some((secret) => JSON.stringify(manifest).includes(secret)))
        .map(nameOf)
    },
    breaks: [
      (manifests) => {
        const { data } = ofKind(manifests, 'Secret')[0]!
        const longest = Object.values(data!).sort((a, b) => b.length - a.length)[0]!
        const value = Buffer.from(longest, 'base64').toString('utf8')
        podsOf(manifests)[0]!.spec.containers[0]!.env = [{ name: 'PASSWORD', value }]
      },
    ],
  },
  {
    promise: 'names no Secret of the release that is not there',
    broken: (manifests) => {
      const secrets = secretsIn(manifests)
      return podsOf(manifests).flatMap(({ name, spec, labels }) =>
        spec.containers
          .flatMap(({ env = [] }) => env)
          .flatMap(({ valueFrom }) => (valueFrom === undefined ? [] : [valueFrom.secretKeyRef]))
          .filter((secret) => secret.name.startsWith(labels['app.kubernetes.io/instance']!))
          .filter((secret) => secrets.get(secret.name)?.[secret.key] === undefined)
          .map((secret) => `${name}: ${secret.name} ${secret.key}`),
      )
    },
    breaks: [
      (manifests) => Object.assign(ofKind(manifests, 'Secret')[0]!, { data: {} }),
      (manifests) => {
        for (const { metadata } of ofKind(manifests, 'Secret')) metadata.name = 'another'
      },
    ],
  },
  {
    promise: 'shows outside what is public, and nothing else',
    broken: (manifests) =>
      ofKind(manifests, 'Ingress', 'HTTPRoute')
        .filter((manifest) => {
          const paths = pathsOf(manifest)
          return paths.length === 0 || paths.some((path) => notPublic.some(under(path)))
        })
        .map(nameOf),
    breaks: [
      ...['/', '/health', '/health/ready', '/metrics', '/replays', '/rep'].map(
        (path) => (manifests: readonly Manifest[]) => {
          for (const { spec } of ofKind(manifests, 'Ingress', 'HTTPRoute')) {
            spec.rules = [{ http: { paths: [{ path, pathType: 'Prefix' }] } }]
          }
        },
      ),
    ],
  },
]

/** Names of neighbours that no Service has; of all charts together. */
export const neighbours: Rule = {
  promise: 'names no neighbour that is away',
  broken: (manifests) => {
    const services = ofKind(manifests, 'Service').map(({ metadata }) => metadata.name)
    return podsOf(manifests).flatMap(({ name, spec, labels }) =>
      spec.containers
        .flatMap(({ env = [], args = [] }) => [...env.map(({ value = '' }) => value), ...args])
        .flatMap((text) => [...text.matchAll(/(?:\/\/|^)([a-z0-9-]+)[a-z0-9.-]*(?::\d+)?$/g)])
        .map(([, host]) => host!)
        .filter((host) => host.startsWith(`${labels['app.kubernetes.io/instance']}-`))
        .filter((host) => !services.includes(host))
        .map((host) => `${name}: ${host}`),
    )
  },
  breaks: [
    (manifests) => {
      for (const { metadata } of ofKind(manifests, 'Service')) metadata.name = 'another'
    },
  ],
}

function pathsOf({ spec: { rules = [] } }: Manifest): readonly string[] {
  return rules.flatMap(({ http, matches = [] }) => [
    ...(http?.paths ?? []).map(({ path }) => path),
    ...matches.map(({ path }) => path.value),
  ])
}

/** Whether a path leads to another: Prefix compares segments, some controllers letters. */
function under(path: string) {
  return (other: string) => other.startsWith(path) || path.startsWith(other)
}
