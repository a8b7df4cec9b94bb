import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** Runs kubectl on the cluster of KUBECONFIG, with manifests on its stdin; gives what it prints. */
export async function kubectl(args: readonly string[], ...manifests: object[]): Promise<string> {
  const ran = run('kubectl', args, { maxBuffer: 64 * 1024 * 1024 })
  ran.child.stdin!.end(manifests.map((one) => JSON.stringify(one)).join('\n'))
  return (await ran).stdout
}

/** Makes a namespace for one test, which lets only restricted pods in. It goes with the test. */
export async function ownNamespace(): Promise<string> {
  const name = `semel-${randomUUID().slice(0, 8)}`
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await kubectl(['create', '-f', '-'], {
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: { name, labels },
  })
  onTestFinished(() => kubectl(['delete', 'namespace', name, '--wait=false']).then(() => undefined))
  return name
}

/** An image of this release, in the registry that all tests of a cluster take it from. */
export function imageOf(name: string): string {
  return `${process.env.REGISTRY}/semel/${name}:${version}`
}
