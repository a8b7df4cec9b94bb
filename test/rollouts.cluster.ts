import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ask, type Told } from './client.ts'
import { commandsOf, explainFailure, leftIn, run, secretOf, succeed } from './guide.ts'
import { type Load, repeatAll, startLoad } from './load.ts'
import { operatorToken } from './postman.ts'

/** The whole shop in one release: whatever is rolled out, killed or taken back, under load. */

const url = 'http://arch.homework'
const deployments = ['gateway', 'orders', 'billing', 'notifications', 'messages']
const registry = process.env.REGISTRY
const upgrade = `helm upgrade semel charts/semel --namespace semel --reset-then-reuse-values \\
  --timeout 5m`

let token: string
let load: Load | undefined

beforeAll(async () => {
  await succeed(commandsOf('README.md', 'Install'))
  token = operatorToken(await secretOf('semel-shared', 'AUTH_JWT_SECRET', 'semel'))
}, 900_000)

afterEach(async () => {
  await load?.stop().catch(() => undefined)
  load = undefined
})

/** Runs a script under load, and goes on until it is over. */
async function underLoad(script: string): Promise<Readonly<{ load: Load; said: string }>> {
  explainFailure('semel')
  load = startLoad(url, 8, { token })
  const placedBefore = load.placed
  const { code, output } = await run(script)
  await load.stop()
  if (code !== 0) throw new Error(output)
  expect(placedBefore.size).toBeGreaterThan(50)
  return { load, said: output }
}

function refusedBy({ refused }: Load): string[] {
  return [...refused.values()].map(({ answer }: Told) => `${answer.status} ${answer.body}`)
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

  it.each(deployments)(
    'restarts %s under load, and fails no request',
    async (name) => {
      const { load } = await underLoad(`
      kubectl rollout restart deployment/semel-${name} --namespace semel
      kubectl rollout status deployment/semel-${name} --namespace semel --timeout 3m
      sleep 6`)

      expect(refusedBy(load)).toEqual([])
    },
    300_000,
  )

  it('keeps its secrets over an upgrade', async () => {
    const shared = () => secretOf('semel-shared', 'SEAL_SECRET', 'semel')
    const database = () => secretOf('semel-postgres-orders', 'uri', 'semel')
    const before = [await shared(), await database()]

    await succeed(`${upgrade} --set gateway.replicas=3 --wait`)

    expect([await shared(), await database()]).toEqual(before)
  }, 400_000)

  it('is upgraded with a new migration under load, and taken back, and fails no request', async () => {
    const tags = (tag: string) => `--set orders.image.tag=${tag} --set orders.cli.image.tag=${tag}`

    const forth = await underLoad(`${upgrade} ${tags('next')} --wait`)
    const there = await columnsOfOrders()
    const back = await underLoad('helm rollback semel --namespace semel --wait --timeout 5m')

    expect(refusedBy(forth.load)).toEqual([])
    expect(there).toMatch(/note/)
    expect(refusedBy(back.load)).toEqual([])
  }, 900_000)

  it('goes on as it was where a migration fails, and is told why', async () => {
    const tags = '--set orders.image.tag=broken --set orders.cli.image.tag=broken'

    const { load, said } = await underLoad(`! ${upgrade} ${tags} --wait`)
    const images = await succeed(
      "kubectl get pods --namespace semel --selector app.kubernetes.io/name=orders --output 'jsonpath={.items[*].spec.containers[0].image}'",
    )
    await succeed(`${upgrade} --set orders.image.tag= --set orders.cli.image.tag= --wait`)

    expect(said).toMatch(/0003_break_orders\.sql: division by zero/)
    expect(new Set(images.trim().split(' '))).toEqual(new Set([`${registry}/semel/orders:0.1.0`]))
    expect(refusedBy(load)).toEqual([])
  }, 900_000)

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
      kubectl wait pod/semel-postgres-0 --namespace semel --for condition=Ready --timeout 2m
      sleep 3`)

    await expectKept(load)
  }, 300_000)

  it('leaves nothing behind', async () => {
    await succeed('helm uninstall semel --namespace semel --wait --timeout 5m')
    const left = await leftIn('semel')
    await succeed('kubectl delete namespace semel')

    expect(left).toEqual([])
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

async function columnsOfOrders(): Promise<string> {
  return succeed(`kubectl exec semel-postgres-0 --namespace semel -- \\
    psql --username postgres orders --command '\\d orders'`)
}
