import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterRules, neighbours } from './cluster-rules.ts'
import { charts, describeWithHelm, folder, helm, render, run } from './helm.ts'
import { type Manifest, nameOf, ofKind, podsOf } from './manifests.ts'
import { podRules } from './pod-rules.ts'
import { cases } from './renderings.ts'

const versions = ['1.30', '1.33', '1.35']
const rules = [...podRules, ...clusterRules]

describeWithHelm('charts', () => {
  const rendered = new Map<string, readonly Manifest[]>()
  const files = mkdtempSync(join(tmpdir(), 'semel-charts-'))
  const file = join(files, 'rendered.yaml')

  beforeAll(async () => {
    const all = Object.entries(cases).map(async ([name, one]) => {
      rendered.set(name, await render(one))
    })
    await Promise.all(all)
    writeFileSync(file, print([...rendered.values()].flat()))
  })

  afterAll(() => rmSync(files, { recursive: true }))

  it.each(charts)('%s passes helm lint --strict', async (chart) => {
    await helm(['lint', '--strict', '--quiet', `./${chart}`])
  })

  it.each(versions)('become what Kubernetes %s knows, to the last field', async (version) => {
    const said = run('kubernetes-validate', ['--strict', '--quiet', '-k', version, file])

    // A kind that it does not know is only a warning.
    await expect(said).resolves.toBe('')
  })

  it('would not be known with a field that is misspelt', async () => {
    const wrong = structuredClone(rendered.get('redis')!) as Manifest[]
    Object.assign(ofKind(wrong, 'Deployment')[0]!.spec, { replica: 2 })
    const misspelt = join(files, 'misspelt.yaml')
    writeFileSync(misspelt, print(wrong))
    const said = run('kubernetes-validate', ['--strict', '--quiet', misspelt])

    await expect(said).rejects.toThrow("'replica' was unexpected")
  })

  it('are the same for every version of Kubernetes, and for none before 1.30', async () => {
    const told = charts.flatMap((chart) =>
      readdirSync(`${folder}${chart}`, { recursive: true, encoding: 'utf8' })
        .filter((file) => /^templates\/.*\.(tpl|yaml|txt)$/.test(file))
        .filter((file) => /\.Capabilities/.test(readFileSync(`${folder}${chart}/${file}`, 'utf8'))),
    )
    const old = helm(['template', 'shop', './semel', '--kube-version', '1.29.9'])

    expect(told).toEqual([])
    await expect(old).rejects.toThrow('requires kubeVersion: >=1.30.0-0')
  })

  it.each(Object.keys(cases))('%s keeps to every rule', (name) => {
    const wrong = rules.flatMap(({ promise, broken }) =>
      broken(rendered.get(name)!).map((who) => `${promise}: not ${who}`),
    )

    expect(wrong).toEqual([])
  })

  it.each(['semel', 'semel in production'])('%s names no neighbour that is away', (name) => {
    expect(neighbours.broken(rendered.get(name)!)).toEqual([])
  })

  describe.each([...rules, neighbours])(
    'a manifest of which it is not true that it $promise',
    ({ broken, breaks }) => {
      it.each(breaks.map((breakIt, index) => ({ breakIt, way: index + 1 })))(
        'is noticed ($way)',
        ({ breakIt }) => {
          const manifests = structuredClone(rendered.get('semel')!) as Manifest[]
          breakIt(manifests)

          expect(broken(manifests)).not.toEqual([])
        },
      )
    },
  )

  it('lead by an HTTPRoute where an Ingress leads', () => {
    const [route] = ofKind(rendered.get('gateway, by an HTTPRoute')!, 'HTTPRoute')
    const [ingress] = ofKind(rendered.get('gateway')!, 'Ingress')
    const paths = ingress!.spec.rules![0]!.http!.paths.map(({ path }) => path)

    expect(route).toMatchObject({ apiVersion: 'gateway.networking.k8s.io/v1' })
    expect(route!.spec).toEqual({
      parentRefs: [{ name: 'public', namespace: 'gateways' }],
      hostnames: ['arch.homework'],
      rules: [
        {
          matches: paths.map((value) => ({ path: { type: 'PathPrefix', value } })),
          backendRefs: [{ name: 'shop-gateway', port: 80 }],
        },
      ],
    })
  })

  it('install the migration alone, the app alone, or both', () => {
    const kinds = (name: string) => podsOf(rendered.get(name)!).map((pod) => pod.name)

    expect(kinds('orders, its migration alone')).toEqual([
      'StatefulSet shop-postgres',
      'Job shop-orders-migration',
    ])
    expect(kinds('orders, its app alone')).toEqual([
      'Deployment shop-orders',
      'Pod shop-orders-probe',
    ])
  })

  it('change tables before pods on an upgrade, and beside them on an installation', () => {
    const hookOf = (name: string) =>
      ofKind(rendered.get(name)!, 'Job').map(
        ({ metadata }) => metadata.annotations?.['helm.sh/hook'],
      )

    expect(hookOf('semel')).toEqual(Array(5).fill(undefined))
    expect(hookOf('semel, upgraded')).toEqual(Array(5).fill('pre-upgrade'))
  })

  it('need nothing for a Job before an upgrade that comes only with it', () => {
    const manifests = rendered.get('semel, upgraded')!
    const first = manifests
      .filter(({ metadata }) => Number(metadata.annotations?.['helm.sh/hook-weight'] ?? 0) < 0)
      .map(nameOf)
    const accounts = podsOf(ofKind(manifests, 'Job')).map(
      ({ spec }) => `ServiceAccount ${spec.serviceAccountName}`,
    )

    expect(accounts).toHaveLength(5)
    expect(first).toEqual(accounts)
  })
})

/**
 * Manifests as one list of each kind: kubernetes-validate reads all of its schemas again for each
 * document. Of what is no part of Kubernetes itself there is no schema.
 */
function print(manifests: readonly Manifest[]): string {
  const known = manifests.filter(({ kind }) => kind !== 'HTTPRoute')
  const lists = Map.groupBy(known, ({ apiVersion, kind }) => `${apiVersion} ${kind}`)
  const documents = [...lists.values()].map((items) => {
    const { apiVersion, kind } = items[0]!
    return JSON.stringify({ apiVersion, kind: `${kind}List`, metadata: {}, items })
  })
  return documents.join('\n---\n')
}
