import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { succeed } from '../../test/guide.ts'

/** What each image keeps, on a real kubelet: as a pod that may do nothing more than it must. */

type Container = Readonly<{ args?: string[]; env?: Record<string, string> }>
type Ended = Readonly<{ exitCode: number; reason: string }>

const services = ['orders', 'billing', 'notifications', 'messages', 'gateway']
const everywhere = { HOST: '0.0.0.0' }
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

describe('an image', () => {
  it.each(services)(
    '%s that is told nothing but to be reached says in one line what it lacks, and ends by 2',
    async (name) => {
      const { ended, said } = await runToEnd(name, { env: everywhere })

      expect(said).toMatch(new RegExp(`^${name}: [^\\n]+\\n$`))
      expect(ended).toEqual(expect.objectContaining({ exitCode: 2 }))
    },
  )

  it('cli that lacks a database for its migrations says so, and ends by 2', async () => {
    const { ended, said } = await runToEnd('cli', { args: ['migrate', 'orders'] })

    expect(said).toBe('semel: DATABASE_URL has to be set\n')
    expect(ended.exitCode).toBe(2)
  })

  it('gateway runs, and at SIGTERM ends in order though it is the first process', async () => {
    const namespace = await startPod('gateway', {
      env: { ...everywhere, AUTH_JWT_SECRET: 'only-of-this-test-and-of-no-other' },
    })

    await succeed(`kubectl wait pod/pod --namespace ${namespace} --for condition=Ready --timeout 1m
      kubectl exec pod --namespace ${namespace} -- node --eval 'process.kill(1, "SIGTERM")'`)

    expect(await endOf(namespace)).toEqual(
      expect.objectContaining({ exitCode: 0, reason: 'Completed' }),
    )
  })
})

async function runToEnd(image: string, container: Container) {
  const namespace = await startPod(image, container)
  const ended = await endOf(namespace)
  return { ended, said: await succeed(`kubectl logs pod --namespace ${namespace}`) }
}

/**
 * Starts an image as a pod that is not root (the kubelet reads its user in the image), whose root is
 * read-only and whose folder of shells and tools is empty.
 */
async function startPod(image: string, { args, env = {} }: Container): Promise<string> {
  const namespace = await ownNamespace()
  const container = {
    ...{ name: 'pod', image: imageOf(image), ...(args === undefined ? {} : { args }) },
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    volumeMounts: [{ name: 'nothing', mountPath: '/usr/bin', readOnly: true }],
    securityContext: {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    readinessProbe: {
      exec: { command: ['node', '-e', isReady] },
      ...{ periodSeconds: 1, timeoutSeconds: 5 },
    },
  }
  await create({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace } },
    spec: {
      ...{ restartPolicy: 'Never', enableServiceLinks: false, automountServiceAccountToken: false },
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [container],
      volumes: [{ name: 'nothing', emptyDir: {} }],
    },
  })
  return namespace
}

const isReady = `
  fetch('http://127.0.0.1:8080/health/live')
    .then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`

async function endOf(namespace: string): Promise<Ended> {
  const state = '{.status.containerStatuses[0].state.terminated}'
  return JSON.parse(
    await succeed(`
      kubectl wait pod/pod --namespace ${namespace} --for 'jsonpath=${state}' --timeout 1m >/dev/null
      kubectl get pod/pod --namespace ${namespace} --output 'jsonpath=${state}'`),
  )
}

/** Makes a namespace for one test, which lets only restricted pods in. It goes with the test. */
async function ownNamespace(): Promise<string> {
  const name = `semel-${randomUUID().slice(0, 8)}`
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  onTestFinished(async () => void (await succeed(`kubectl delete namespace ${name} --wait=false`)))
  return name
}

async function create(manifest: object): Promise<void> {
  await succeed(`kubectl create --filename - <<'END'\n${JSON.stringify(manifest)}\nEND`)
}

/** An image of this release, in the registry that all tests of a cluster take it from. */
function imageOf(name: string): string {
  return `${process.env.REGISTRY}/semel/${name}:${version}`
}
