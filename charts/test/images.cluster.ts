import { describe, expect, it } from 'vitest'
import { imageOf, kubectl, ownNamespace } from './cluster.ts'

/** What each image keeps, on a real kubelet: as a pod that may do nothing more than it must. */

type Container = Readonly<{ args?: string[]; env?: Record<string, string> }>
type Ended = Readonly<{ exitCode: number; reason: string }>

const services = ['orders', 'billing', 'notifications', 'messages', 'gateway']
const everywhere = { HOST: '0.0.0.0' }

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
    await kubectl(['wait', '-n', namespace, 'pod/pod', '--for=condition=Ready', '--timeout=60s'])

    const told = "process.kill(1, 'SIGTERM')"
    await kubectl(['exec', '-n', namespace, 'pod', '--', 'node', '-e', told])

    expect(await endOf(namespace)).toEqual(
      expect.objectContaining({ exitCode: 0, reason: 'Completed' }),
    )
  })
})

async function runToEnd(image: string, container: Container) {
  const namespace = await startPod(image, container)
  const ended = await endOf(namespace)
  return { ended, said: await kubectl(['logs', '-n', namespace, 'pod']) }
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
  await kubectl(['create', '-n', namespace, '-f', '-'], {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' } },
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
  const waited = ['wait', '-n', namespace, 'pod/pod', `--for=jsonpath=${state}`, '--timeout=60s']
  await kubectl(waited)
  return JSON.parse(await kubectl(['get', '-n', namespace, 'pod/pod', '-o', `jsonpath=${state}`]))
}
