import {
  type Container,
  longRunning,
  type Manifest,
  ofKind,
  type Pod,
  type Probe,
  podsOf,
  selects,
} from './manifests.ts'
import type { Rule } from './rules.ts'

// What every pod and every container keeps to.

const versionLabels = ['helm.sh/chart', 'app.kubernetes.io/version']

export const podRules: readonly Rule[] = [
  ofPods(
    'runs as a user with a number, who is not root',
    ({ spec: { securityContext: has } }) => has?.runAsNonRoot === true && (has.runAsUser ?? 0) > 0,
    [
      ({ spec }) => delete spec.securityContext,
      ({ spec }) => Object.assign(spec.securityContext!, { runAsUser: 0 }),
      ({ spec }) => Object.assign(spec.securityContext!, { runAsNonRoot: false }),
    ],
  ),
  ofPods(
    'makes none but usual system calls',
    ({ spec }) => spec.securityContext?.seccompProfile?.type === 'RuntimeDefault',
    [({ spec }) => delete spec.securityContext!.seccompProfile],
  ),
  ofPods(
    'is told no name of a neighbour by Kubernetes',
    ({ spec }) => spec.enableServiceLinks === false,
    [({ spec }) => delete spec.enableServiceLinks],
  ),
  {
    promise: 'has an account of its own, which may do nothing in the cluster',
    broken: (manifests) =>
      named(
        podsOf(manifests).filter(
          ({ spec }) =>
            spec.automountServiceAccountToken !== false ||
            !ofKind(manifests, 'ServiceAccount').some(
              ({ metadata, automountServiceAccountToken }) =>
                metadata.name === spec.serviceAccountName && automountServiceAccountToken === false,
            ),
        ),
      ),
    breaks: [
      onPod(({ spec }) => delete spec.automountServiceAccountToken),
      onPod(({ spec }) => delete spec.serviceAccountName),
      (manifests) => delete ofKind(manifests, 'ServiceAccount')[0]!.automountServiceAccountToken,
    ],
  },
  ofPods(
    'stores in no folder of the node, and in its own no more than was said',
    ({ spec }) =>
      (spec.volumes ?? []).every(
        ({ emptyDir, hostPath }) =>
          hostPath === undefined && (emptyDir === undefined || emptyDir.sizeLimit !== undefined),
      ),
    [
      ({ spec }) => spec.volumes?.push({ name: 'node', hostPath: { path: '/' } }),
      ({ spec }) => spec.volumes?.push({ name: 'full', emptyDir: {} }),
    ],
  ),
  {
    promise: 'runs on where nothing but the version of its chart has changed',
    broken: (manifests) =>
      named(
        longRunning(manifests).filter(({ labels }) =>
          Object.keys(labels).some((label) => versionLabels.includes(label)),
        ),
      ),
    breaks: versionLabels.map((label) =>
      onLongRunning(({ labels }) => Object.assign(labels, { [label]: 'orders-0.1.0' })),
    ),
  },
  ofPods(
    'may write into its volumes, whoever has made them',
    ({ spec: { securityContext: has, volumes = [] } }) =>
      volumes.length === 0 || (has?.fsGroup ?? 0) > 0,
    [({ spec }) => delete spec.securityContext!.fsGroup],
  ),
  ofContainers(
    'has a root that is only read',
    ({ securityContext }) => securityContext?.readOnlyRootFilesystem === true,
    [({ securityContext }) => delete securityContext!.readOnlyRootFilesystem],
  ),
  ofContainers(
    'has no privileges, and gains none',
    ({ securityContext: has }) =>
      has?.allowPrivilegeEscalation === false &&
      has.capabilities?.drop?.includes('ALL') === true &&
      has.capabilities.add === undefined,
    [
      ({ securityContext }) => delete securityContext!.allowPrivilegeEscalation,
      ({ securityContext }) => delete securityContext!.capabilities!.drop,
      ({ securityContext }) =>
        Object.assign(securityContext!.capabilities!, { add: ['NET_BIND_SERVICE'] }),
    ],
  ),
  ofContainers(
    'gets the memory that it asks for, and all CPU that is idle',
    ({ resources: { requests, limits } = {} }) =>
      requests?.cpu !== undefined &&
      requests.memory !== undefined &&
      requests.memory === limits?.memory &&
      limits.cpu === undefined,
    [
      (container) => delete container.resources,
      ({ resources }) => Object.assign(resources!.limits!, { cpu: '1' }),
      ({ resources }) => Object.assign(resources!.limits!, { memory: '64Gi' }),
    ],
  ),
  ofContainers(
    'shows the last lines it wrote as the reason why it ended',
    ({ terminationMessagePolicy }) => terminationMessagePolicy === 'FallbackToLogsOnError',
    [(container) => delete container.terminationMessagePolicy],
  ),
  ofContainers(
    'is an image whose tag says which',
    ({ image }) => /:[^/:]*\d[^/:]*$/.test(image) && !image.includes('latest'),
    [
      (container) => Object.assign(container, { image: 'semel/orders' }),
      (container) => Object.assign(container, { image: 'semel/orders:latest' }),
      (container) => Object.assign(container, { image: 'registry:5000/semel/orders' }),
    ],
  ),
  {
    promise: 'is asked whether it has started, lives and is ready, at a port that it has',
    broken: (manifests) =>
      longRunning(manifests).flatMap(({ name, spec }) =>
        spec.containers
          .filter(
            (container) =>
              !['startupProbe', 'livenessProbe', 'readinessProbe'].every((probe) =>
                canBeAsked(container, container[probe as 'startupProbe']),
              ),
          )
          .map((container) => `${name}: ${container.name}`),
      ),
    breaks: [
      onLongRunning(({ spec }) => delete spec.containers[0]!.startupProbe),
      onLongRunning(({ spec }) => delete spec.containers[0]!.livenessProbe),
      onLongRunning(({ spec }) => delete spec.containers[0]!.readinessProbe),
      onLongRunning(({ spec }) => {
        spec.containers[0]!.readinessProbe = { tcpSocket: { port: 'another' } }
      }),
    ],
  },
  {
    promise: 'takes requests until all have heard that it goes, and has time for the last ones',
    broken: (manifests) =>
      named(
        drained(manifests).filter(({ spec }) => {
          const seconds = spec.containers[0]!.lifecycle?.preStop?.sleep?.seconds ?? 0
          return seconds < 1 || (spec.terminationGracePeriodSeconds ?? 30) <= seconds + 25
        }),
      ),
    breaks: [
      onDrained(({ spec }) => delete spec.containers[0]!.lifecycle),
      onDrained(({ spec }) => Object.assign(spec, { terminationGracePeriodSeconds: 30 })),
    ],
  },
  {
    promise: 'goes only when the one after it is ready',
    broken: (manifests) =>
      named(
        drained(manifests).filter(({ of }) => {
          const { maxUnavailable, maxSurge } = of.spec.strategy?.rollingUpdate ?? {}
          return !(maxUnavailable === 0 && (maxSurge ?? 0) > 0)
        }),
      ),
    breaks: [
      onDrained(({ of }) => delete of.spec.strategy),
      onDrained(({ of }) => Object.assign(of.spec.strategy!.rollingUpdate, { maxUnavailable: 1 })),
      onDrained(({ of }) => Object.assign(of.spec.strategy!.rollingUpdate, { maxSurge: 0 })),
    ],
  },
  {
    promise: 'is on another node and in another zone than its like, where there are several',
    broken: (manifests) =>
      named(
        longRunning(manifests)
          // Without a number there are as many as an autoscaler wants.
          .filter(({ of }) => of.spec.replicas !== 1)
          .filter((pod) => !(isSpread(pod, 'hostname') && isSpread(pod, 'zone'))),
      ),
    breaks: [
      onDrained(({ spec }) => delete spec.topologySpreadConstraints),
      onDrained(({ spec }) => spec.topologySpreadConstraints!.pop()),
      onDrained(({ spec }) => spec.topologySpreadConstraints!.shift()),
      onDrained(({ spec }) =>
        Object.assign(spec.topologySpreadConstraints![0]!, { whenUnsatisfiable: 'DoNotSchedule' }),
      ),
      onDrained(({ spec }) => {
        spec.topologySpreadConstraints![0]!.labelSelector.matchLabels = { app: 'another' }
      }),
    ],
  },
]

/** Pods of services: what runs of Semel's own. */
function drained(manifests: readonly Manifest[]): readonly Pod[] {
  return longRunning(manifests).filter(({ spec }) => /semel\//.test(spec.containers[0]!.image))
}

/** Whether pods of a kind are on as many nodes, or in as many zones, as there are; on one if need be. */
function isSpread({ spec, labels }: Pod, over: 'hostname' | 'zone'): boolean {
  return (spec.topologySpreadConstraints ?? []).some(
    ({ topologyKey, whenUnsatisfiable, labelSelector }) =>
      topologyKey.endsWith(`kubernetes.io/${over}`) &&
      whenUnsatisfiable === 'ScheduleAnyway' &&
      selects(labelSelector.matchLabels, labels),
  )
}

function canBeAsked({ ports = [] }: Container, probe: Probe | undefined): boolean {
  const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port
  return port === undefined ? probe?.exec !== undefined : ports.some(({ name }) => name === port)
}

function ofPods(
  promise: string,
  holds: (pod: Pod) => boolean,
  breaks: readonly ((pod: Pod) => unknown)[],
): Rule {
  return {
    promise,
    broken: (manifests) => named(podsOf(manifests).filter((pod) => !holds(pod))),
    breaks: breaks.map(onPod),
  }
}

function ofContainers(
  promise: string,
  holds: (container: Container) => boolean,
  breaks: readonly ((container: Container) => unknown)[],
): Rule {
  const holdsInAll = ({ spec }: Pod) => spec.containers.every(holds)
  return ofPods(
    promise,
    holdsInAll,
    breaks.map(
      (breakOne) =>
        ({ spec }: Pod) =>
          breakOne(spec.containers[0]!),
    ),
  )
}

function onPod(breakOne: (pod: Pod) => unknown) {
  return (manifests: readonly Manifest[]) => breakOne(podsOf(manifests).at(-1)!)
}

function onLongRunning(breakOne: (pod: Pod) => unknown) {
  return (manifests: readonly Manifest[]) => breakOne(longRunning(manifests).at(-1)!)
}

function onDrained(breakOne: (pod: Pod) => unknown) {
  return (manifests: readonly Manifest[]) => breakOne(drained(manifests).at(-1)!)
}

function named(pods: readonly Pod[]): readonly string[] {
  return pods.map(({ name }) => name)
}
