// What Helm renders, as far as rules look at it.

export type Labels = Readonly<Record<string, string>>

export type Probe = { httpGet?: { port: string }; tcpSocket?: { port: string }; exec?: object }

export type Container = {
  name: string
  image: string
  args?: string[]
  env?: {
    name: string
    value?: string
    valueFrom?: { secretKeyRef: { name: string; key: string } }
  }[]
  ports?: { name: string; containerPort: number }[]
  securityContext?: {
    readOnlyRootFilesystem?: boolean
    allowPrivilegeEscalation?: boolean
    capabilities?: { drop?: string[]; add?: string[] }
  }
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  terminationMessagePolicy?: string
  startupProbe?: Probe
  livenessProbe?: Probe
  readinessProbe?: Probe
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
}

type Selector = { matchLabels: Record<string, string> }

export type PodSpec = {
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  enableServiceLinks?: boolean
  imagePullSecrets?: { name: string }[]
  terminationGracePeriodSeconds?: number
  securityContext?: {
    runAsNonRoot?: boolean
    runAsUser?: number
    fsGroup?: number
    seccompProfile?: { type: string }
  }
  topologySpreadConstraints?: {
    topologyKey: string
    whenUnsatisfiable: string
    labelSelector: Selector
  }[]
  containers: Container[]
  volumes?: { name: string; emptyDir?: { sizeLimit?: string }; hostPath?: object }[]
}

/** Fields of all kinds together: which of them a manifest has, its kind says. */
export type Manifest = {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels: Record<string, string>
    annotations?: Record<string, string>
  }
  automountServiceAccountToken?: boolean
  data?: Record<string, string>
  spec: PodSpec & {
    replicas?: number
    strategy?: { rollingUpdate: { maxUnavailable: number; maxSurge: number } }
    selector: Selector & Record<string, unknown>
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec }
    ports?: { name: string; port: number; targetPort: string }[]
    rules?: {
      http?: { paths: { path: string; pathType: string }[] }
      matches?: { path: { type: string; value: string } }[]
    }[]
    ingress?: { ports: { port: string }[]; from?: object[] }[]
    volumeClaimTemplates?: { spec: { resources: { requests: { storage: string } } } }[]
  }
}

/** A pod that a manifest makes. */
export type Pod = Readonly<{ of: Manifest; name: string; labels: Labels; spec: PodSpec }>

export function ofKind(manifests: readonly Manifest[], ...kinds: readonly string[]) {
  return manifests.filter(({ kind }) => kinds.includes(kind))
}

export function podsOf(manifests: readonly Manifest[]): readonly Pod[] {
  const made = ofKind(manifests, 'Deployment', 'StatefulSet', 'Job').map((of) => ({
    of,
    name: nameOf(of),
    labels: of.spec.template.metadata.labels,
    spec: of.spec.template.spec,
  }))
  const alone = ofKind(manifests, 'Pod').map((of) => ({
    of,
    name: nameOf(of),
    labels: of.metadata.labels,
    spec: of.spec,
  }))
  return [...made, ...alone]
}

/** Pods that run until somebody stops them. */
export function longRunning(manifests: readonly Manifest[]): readonly Pod[] {
  return podsOf(manifests).filter(({ of }) => ['Deployment', 'StatefulSet'].includes(of.kind))
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`
}

export function selects(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value)
}

/** What Secrets hold, in the clear. */
export function secretsIn(manifests: readonly Manifest[]): ReadonlyMap<string, Labels> {
  return new Map(
    ofKind(manifests, 'Secret').map(({ metadata, data = {} }) => [
      metadata.name,
      Object.fromEntries(
        Object.entries(data).map(([key, value]) => [
          key,
          Buffer.from(value, 'base64').toString('utf8'),
        ]),
      ),
    ]),
  )
}
