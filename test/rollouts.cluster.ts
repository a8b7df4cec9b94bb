import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask } from './client.ts'
import {
  commandsOf,
  explainFailure,
  restarting,
  run,
  secretOf,
  succeed,
  uninstall,
} from './guide.ts'
import { type Load, refusalsOf, repeatAll, startLoad } from './load.ts'
import { operatorToken } from './postman.ts'
import { until } from './product.ts'

/** The whole shop in one release: whatever is rolled out, killed or taken back, under load. */

const url = 'http://arch.homework'
const deployments = ['gateway', 'orders', 'billing', 'notifications', 'messages']
const registry = process.env.REGISTRY
const options = '--namespace semel --reset-then-reuse-values --timeout 5m'
const upgrade = `helm upgrade semel charts/semel ${options}`

let secret: string
let running: Load | undefined

beforeAll(async () => {
  await succeed(commandsOf('README.md', 'Install'))
  secret = await secretOf('semel-shared', 'AUTH_JWT_SECRET', 'semel')
}, 900_000)

afterEach(async () => {
  await running?.stop().catch(() => undefined)
  running = undefined
})

/** How many more orders are placed when a script is over: what it has begun is under load, too. */
const placedAfter = 30

/** Runs a script under load, which goes on for a while after it. */
async function underLoad(script: string): Promise<Readonly<{ load: Load; said: string }>> {
  explainFailure('semel')
  const load = startLoad(url, 8, { token: operatorToken(secret) })
  running = load
  const { code, output } = await run(script)
  if (code !== 0) throw new Error(output)
  const enough = load.placed.size + placedAfter
  await until(async () => load.placed.size >= enough)
  await load.stop()
  console.log(`${load.placed.size} orders placed, ${load.refused.size} refused`)
  return { load, said: output }
}

describe('the whole shop in one release', () => {
  it('passes its own tests and every collection', async () => {
    explainFailure('semel')

    const said = await succeed(commandsOf('README.md', 'Try it'))

    expect(said.match(/Phase: +Succeeded/g)).toHaveLength(5)
    expect(said).toMatch(/3 It is paid \(later\)/)
  }, 600_000)

  it('shows nothing but public paths', async () => {
    const paths = ['/health/live', '/health/ready', '/metrics', '/replays', '/', '/orders']
    const statuses = await Promise.all(
      paths.map(async (path) => (await ask(url, { method: 'GET', path })).answer.status),
    )

    expect(statuses).toEqual([404, 404, 404, 404, 404, 401])
  })

  it('is reached by an HTTPRoute as by an Ingress, where the cluster has a Gateway', async () => {
    explainFailure('semel')
    const hasGateways = (await run('kubectl get gatewayclass traefik')).code === 0
    if (!hasGateways) return expect(process.env.CI).toBeUndefined()

    const statuses = await succeed(`
      kubectl apply --namespace semel --filename - >&2 <<'END'
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: door }
spec:
  gatewayClassName: traefik
  listeners: [{ name: web, port: 80, protocol: HTTP }]
END
      ${upgrade} --set gateway.httpRoute.enabled=true --set gateway.host=route.homework \\
        --set 'gateway.httpRoute.parentRefs[0].name=door' --set gateway.ingress.enabled=false \\
        --wait >&2
      ask() {
        curl --silent --output /dev/null --write-out '%{http_code} ' --retry 20 --retry-all-errors \\
          --retry-max-time 30 --header 'Host: route.homework' "http://arch.homework$1"
      }
      for attempt in $(seq 60); do [ "$(ask /orders)" = '401 ' ] && break; sleep 0.5; done
      echo "$(ask /orders)$(ask /openapi.json)$(ask /health/ready)"
      helm rollback semel --namespace semel --wait --timeout 5m >&2
      kubectl delete gateway door --namespace semel >&2`)
    const unknown = { method: 'GET', path: '/orders' } as const
    await until(async () => (await ask(url, unknown)).answer.status === 401)

    expect(statuses.match(/^(\d{3} )+$/m)?.[0]).toBe('401 200 404 ')
  }, 400_000)

  it.each(deployments)(
    'restarts %s under load, and fails no request',
    async (name) => {
      const { load } = await underLoad(restarting(`semel-${name}`, name, 'semel'))

      expect(refusalsOf(load)).toEqual({})
    },
    300_000,
  )

  it('loses and doubles nothing when the password of a database is changed', async () => {
    const { load } = await underLoad(commandsOf('operate.md', 'Change a secret'))

    await expectKept(load)
  }, 300_000)

  it('keeps its secrets over an upgrade', async () => {
    const shared = () => secretOf('semel-shared', 'SEAL_SECRET', 'semel')
    const database = () => secretOf('semel-postgres-orders', 'uri', 'semel')
    const before = [await shared(), await database()]

    await succeed(`${upgrade} --set gateway.replicas=3 --wait`)

    expect([await shared(), await database()]).toEqual(before)
  }, 400_000)

  it('is upgraded with a migration under load, and taken back, and fails no request', async () => {
    const forth = await underLoad(`
      charts=$(mktemp -d)
      cp -R charts/. "$charts"
      sed -i 's/version: 0.1.0/version: 0.1.1/' "$charts"/*/Chart.yaml
      helm upgrade semel "$charts/semel" ${options} ${imagesOfOrders('next')} --wait
      rm -r "$charts"`)
    const releases = await succeed('helm list --namespace semel --output json')
    const columns = await succeed(`kubectl exec semel-postgres-0 --namespace semel -- \\
      psql --username postgres orders --command '\\d orders'`)
    const back = await underLoad('helm rollback semel --namespace semel --wait --timeout 5m')

    expect(releases).toContain('"chart":"semel-0.1.1"')
    expect(refusalsOf(forth.load)).toEqual({})
    expect(columns).toMatch(/ note /)
    expect(refusalsOf(back.load)).toEqual({})
    expect(await imageOfOrders()).toBe(`${registry}/semel/orders:0.1.0`)
  }, 900_000)

  it('goes on as it was where a migration fails, and is told why', async () => {
    const { load, said } = await underLoad(`! ${upgradeOrdersTo('broken')} --wait`)

    expect(said).toMatch(/0003_break_orders\.sql: division by zero/)
    expect(await imageOfOrders()).toBe(`${registry}/semel/orders:0.1.0`)
    expect(refusalsOf(load)).toEqual({})
  }, 300_000)

  it('is not taken back to a release that cannot work on the tables, and says so', async () => {
    // A rollback leads to the revision before, even to one that has failed.
    await succeed(`${upgradeOrdersTo('')} --wait`)
    await succeed(`${upgradeOrdersTo('ahead')} --wait`)
    const { load } = await underLoad('! helm rollback semel --namespace semel --wait --timeout 30s')
    const said = () =>
      succeed(`kubectl get pods --namespace semel --output \\
        'jsonpath={.items[*].status.containerStatuses[0]..terminated.message}'`)
    const reason = /orders: the database is ahead: .*0003_require_note\.sql/
    await until(async () => reason.test(await said()))
    await succeed(`${upgradeOrdersTo('ahead')} --wait`)

    expect(refusalsOf(load)).toEqual({})
  }, 600_000)

  it.each(deployments)(
    'loses and doubles nothing when a pod of %s is killed',
    async (name) => {
      const { load } = await underLoad(`
      pod=$(kubectl get pods --namespace semel --selector app.kubernetes.io/name=${name} \\
        --output 'jsonpath={.items[0].metadata.name}')
      kubectl delete pod "$pod" --namespace semel --grace-period 0 --force
      kubectl rollout status deployment/semel-${name} --namespace semel --timeout 3m`)

      await expectKept(load)
    },
    300_000,
  )

  it('loses and doubles nothing when the database restarts', async () => {
    const { load } = await underLoad(`
      kubectl delete pod semel-postgres-0 --namespace semel
      for state in create condition=Ready; do
        kubectl wait pod/semel-postgres-0 --namespace semel --for "$state" --timeout 2m
      done`)

    await expectKept(load)
  }, 300_000)

  it('leaves nothing behind', async () => {
    expect(await uninstall('README.md', ['semel'])).toEqual([])
  }, 300_000)
})

/** What was answered is answered again; what was not, is executed now or was already: once. */
async function expectKept(load: Load): Promise<void> {
  const repeated = await repeatAll(url, load, load.sent)
  const wrong = [...load.placed].filter(
    ([key, { answer }]) => repeated.get(key)?.answer.body !== answer.body,
  )
  const ids = [...repeated.values()].map(({ answer }) => JSON.parse(answer.body).id)

  expect(wrong).toEqual([])
  expect([...repeated.values()].filter(({ answer }) => answer.status !== 201)).toEqual([])
  expect(new Set(ids).size).toBe(load.sent.size)
}

function upgradeOrdersTo(tag: string): string {
  return `${upgrade} ${imagesOfOrders(tag)}`
}

function imagesOfOrders(tag: string): string {
  return `--set orders.image.tag=${tag} --set orders.cli.image.tag=${tag}`
}

async function imageOfOrders(): Promise<string> {
  return succeed(`kubectl get deployment semel-orders --namespace semel \\
    --output 'jsonpath={.spec.template.spec.containers[0].image}'`)
}
