import { expect, it } from 'vitest'
import { type Case, describeWithHelm, render } from './helm.ts'
import { type Manifest, ofKind, podsOf } from './manifests.ts'

// What values make of a chart: what processes are told, who may connect, what is kept.

const proxy = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'traefik' } } }
const semel = { podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'semel' } } }

async function toldTo(service: string, values: Case['values']) {
  const manifests = await render({ chart: 'semel', values: { ...values } })
  const [deployment] = ofKind(manifests, 'Deployment').filter(
    ({ metadata }) => metadata.name === `shop-${service}`,
  )
  const { env = [] } = deployment!.spec.template.spec.containers[0]!
  return new Map(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef]))
}

describeWithHelm('a service of semel', () => {
  it('is told what its chart is told, before what all charts are told', async () => {
    const settings = { SEMEL_KEPT_DAYS: 30, KAFKA_TLS: true }
    const secrets = { REDIS_URL: { name: 'redis', key: 'url' } }
    const values = {
      global: { semel: { settings, secrets } },
      orders: {
        settings: { SEMEL_KEPT_DAYS: 2, KAFKA_TLS: false },
        secrets: { REDIS_URL: { name: '{{ .Release.Name }}-cache', key: 'uri' } },
      },
    }
    const [orders, billing] = [await toldTo('orders', values), await toldTo('billing', values)]

    expect(orders.get('SEMEL_KEPT_DAYS')).toBe('2')
    expect(orders.get('KAFKA_TLS')).toBe('false')
    expect(orders.get('REDIS_URL')).toEqual({ name: 'shop-cache', key: 'uri' })
    expect(billing.get('SEMEL_KEPT_DAYS')).toBe('30')
    expect(billing.get('KAFKA_TLS')).toBe('true')
    expect(billing.get('REDIS_URL')).toEqual({ name: 'redis', key: 'url' })
  })

  it('is not told what is empty', async () => {
    const told = await toldTo('orders', {
      global: { semel: { settings: { AUTH_ISSUER: 'shop' } } },
      orders: {
        settings: { AUTH_ISSUER: '' },
        secrets: { REDIS_URL: { name: '{{ if false }}redis{{ end }}', key: 'uri' } },
      },
    })

    expect([...told.keys()]).not.toContain('AUTH_ISSUER')
    expect([...told.keys()]).not.toContain('REDIS_URL')
  })
})

describeWithHelm('a pod', () => {
  it('is pulled by the Secrets that all charts are told, and by those of its own chart', async () => {
    const values = {
      global: { semel: { image: { pullSecrets: [{ name: 'company' }] } } },
      redis: { imagePullSecrets: [{ name: 'docker' }, { name: 'company' }] },
    }
    const pods = podsOf(await render({ chart: 'semel', values }))
    const redis = pods.filter(({ name }) => name === 'Deployment shop-redis')
    const others = pods.filter((pod) => !redis.includes(pod))
    const both = [{ name: 'company' }, { name: 'docker' }]

    expect(redis.map(({ spec }) => spec.imagePullSecrets)).toEqual([both])
    for (const { spec } of others) expect(spec.imagePullSecrets).toEqual([{ name: 'company' }])
  })
})

describeWithHelm('a service', () => {
  it('makes no Secret of what is named, whatever its name', async () => {
    const secrets = { AUTH_JWT_SECRET: { name: 'shop-orders', key: 'AUTH_JWT_SECRET' } }
    const namesOf = async (values: Case['values']) =>
      ofKind(await render({ chart: 'orders', values: { ...values } }), 'Secret').map(
        ({ metadata }) => metadata.name,
      )

    expect(await namesOf({})).toContain('shop-orders')
    expect(await namesOf({ secrets })).not.toContain('shop-orders')
  })
})

describeWithHelm('an autoscaled service', () => {
  const applied = { manager: 'helm', operation: 'Apply' }
  const updated = { manager: 'helm', operation: 'Update' }
  const scaled = { manager: 'kube-controller-manager', operation: 'Update', subresource: 'scale' }

  async function replicasOn(stored: Case['stored'], enabled = true) {
    const values = { replicas: 3, autoscaling: { enabled } }
    const one = { chart: 'gateway', values, upgrade: true }
    const manifests = await render(stored === undefined ? one : { ...one, stored })
    return ofKind(manifests, 'Deployment')[0]!.spec.replicas
  }

  it.each([
    ['has as many pods as it had without an autoscaler', 3, [applied], 3],
    ['has no pods if it had none', 0, [applied], 0],
    ['has as many pods as the autoscaler chose, where clients apply', 7, [updated, scaled], 7],
    ['is left to the autoscaler that chose, where servers apply', 7, [applied, scaled], undefined],
  ])('%s', async (_, replicas, managedFields, wanted) => {
    const metadata = { name: 'shop-gateway', managedFields }
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas } }

    expect(await replicasOn([deployment])).toBe(wanted)
    expect(await replicasOn([deployment], false)).toBe(3)
  })

  it('is left to the autoscaler where it is not there yet, or no cluster is asked', async () => {
    expect(await replicasOn([])).toBeUndefined()
    expect(await replicasOn(undefined)).toBeUndefined()
  })
})

describeWithHelm('a NetworkPolicy', () => {
  async function rulesOf(chart: string, values: Case['values']) {
    const [policy] = ofKind(await render({ chart, values: { ...values } }), 'NetworkPolicy')
    return policy?.spec.ingress
  }

  it.each([
    ['where there is no Ingress lets pods of Semel in', false, [], [semel]],
    ['before an Ingress lets anybody in', true, [], undefined],
    [
      'before an Ingress lets those in that are named, and nobody else',
      true,
      [proxy],
      [semel, proxy],
    ],
  ])('%s', async (_, enabled, from, peers) => {
    const values = { ingress: { enabled }, networkPolicy: { enabled: true, from } }

    expect(await rulesOf('gateway', values)).toEqual([
      { ports: [{ port: 'http' }], ...(peers === undefined ? {} : { from: peers }) },
    ])
  })

  it.each(['postgres', 'redis', 'kafka'])(
    'of %s lets pods of Semel in, those that are named, and nobody else',
    async (chart) => {
      const named = await rulesOf(chart, { networkPolicy: { enabled: true, from: [proxy] } })

      expect(await rulesOf(chart, { networkPolicy: { enabled: true } })).toEqual([
        { ports: [{ port: chart }], from: [semel] },
      ])
      expect(named).toEqual([{ ports: [{ port: chart }], from: [semel, proxy] }])
      expect(await rulesOf(chart, {})).toBeUndefined()
    },
  )
})

describeWithHelm('a PostgreSQL whose data are kept', () => {
  it('keeps the Secrets that open them, and one whose data go keeps nothing', async () => {
    const keptOf = async (keep: boolean) => {
      const values = { persistence: { keep } }
      const manifests = await render({ chart: 'postgres', values })
      return ofKind(manifests, 'Secret').map(policyOf)
    }

    expect(await keptOf(true)).toEqual(['keep', 'keep'])
    expect(await keptOf(false)).toEqual([undefined, undefined])
  })

  it.each(['semel', 'orders'])('has %s keep the secret of the tokens, too', async (chart) => {
    const values = { postgres: { persistence: { keep: true } } }
    const ofTokens = ofKind(await render({ chart, values }), 'Secret').find(
      ({ data = {} }) => 'AUTH_JWT_SECRET' in data,
    )

    expect(policyOf(ofTokens!)).toBe('keep')
  })

  function policyOf({ metadata }: Manifest): string | undefined {
    return metadata.annotations?.['helm.sh/resource-policy']
  }
})
