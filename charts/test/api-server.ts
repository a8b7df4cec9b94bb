import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Something that a cluster has, as far as it is found by its kind and name. */
export type Stored = Readonly<{
  apiVersion: string
  kind: string
  metadata: Readonly<{ name: string; managedFields?: readonly object[] }>
  spec?: object
  data?: Readonly<Record<string, string>>
}>

/** Kinds that charts make or look up, by the address of their group. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  '/api/v1': ['ConfigMap', 'PersistentVolumeClaim', 'Pod', 'Secret', 'Service', 'ServiceAccount'],
  '/apis/apps/v1': ['Deployment', 'StatefulSet'],
  '/apis/batch/v1': ['Job'],
  '/apis/networking.k8s.io/v1': ['Ingress', 'NetworkPolicy'],
  '/apis/policy/v1': ['PodDisruptionBudget'],
  '/apis/autoscaling/v2': ['HorizontalPodAutoscaler'],
  '/apis/gateway.networking.k8s.io/v1': ['HTTPRoute'],
}

/**
 * Answers as a Kubernetes would whose only namespace has these objects: as much of its API as Helm
 * asks for before it renders. Gives the address to `work`, and is gone after it.
 */
export async function withApiServer<T>(
  stored: readonly Stored[],
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(({ url = '' }, response) => {
    const answer = answerOf(stored, url.split('?')[0]!)
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { kind: 'Status', code: 404, reason: 'NotFound' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

function answerOf(stored: readonly Stored[], path: string): object | undefined {
  if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.0' }
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') return { kind: 'APIGroupList', groups: groups() }
  const resources = kinds[path]
  if (resources !== undefined)
    return { kind: 'APIResourceList', resources: resources.map(resource) }
  return stored.find(({ apiVersion, kind, metadata }) => {
    const group = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
    return new RegExp(`^${group}/namespaces/[^/]+/${plural(kind)}/${metadata.name}$`).test(path)
  })
}

function groups(): readonly object[] {
  return Object.keys(kinds)
    .filter((path) => path.startsWith('/apis/'))
    .map((path) => {
      const [, , name, version] = path.split('/')
      const preferredVersion = { groupVersion: `${name}/${version}`, version }
      return { name, versions: [preferredVersion], preferredVersion }
    })
}

function resource(kind: string): object {
  return { kind, name: plural(kind), namespaced: true, verbs: ['get'] }
}

function plural(kind: string): string {
  return `${kind.toLowerCase()}s`.replace(/ys$/, 'ies').replace(/ss$/, 'sses')
}
