import { afterAll, beforeEach, expect, it } from 'vitest'
import { explainFailure, run, succeed } from './guide.ts'
import { until } from './product.ts'

/** What is installed wrongly: each ends in a clear message, and pods that wait say what for. */

const namespace = 'wrong'
const ours = '--set global.semel.image.registry="$REGISTRY"'
const billing = `charts/billing --namespace ${namespace} ${ours}`
const withoutDatabase = `${billing} --set postgres.enabled=false`

beforeEach(async () => {
  await run(`kubectl delete namespace ${namespace} --ignore-not-found`)
})

async function inNamespace(script = ''): Promise<void> {
  explainFailure(namespace)
  await succeed(`kubectl create namespace ${namespace}\n${script}`)
}

/** A Secret that names a server which is not there. */
const nowhere = `kubectl create secret generic nowhere --namespace ${namespace} \\
  --from-literal=uri=postgres://billing:secret@nowhere:5432/billing`

it('a Secret that is not there, or lacks the key, is refused before anything is made', async () => {
  await inNamespace(nowhere)
  const named = (name: string, key: string) =>
    run(`helm install billing ${withoutDatabase} \\
      --set secrets.DATABASE_URL.name=${name} --set secrets.DATABASE_URL.key=${key}`)

  const missing = await named('elsewhere', 'uri')
  const other = await named('nowhere', 'url')
  const { output: left } = await run(`kubectl get deployments,jobs --namespace ${namespace}`)

  expect(missing.code).not.toBe(0)
  expect(missing.output).toMatch(/names the Secret elsewhere, which is not in the namespace wrong/)
  expect(other.output).toMatch(/names the key url, which the Secret nowhere does not have .*: uri/)
  expect(left).toMatch(/No resources found/)
}, 300_000)

it('a database that is not there is waited for, and named by pods and by the Job', async () => {
  await inNamespace(nowhere)
  await succeed(`helm install billing ${withoutDatabase} --set waitSeconds=10 \\
    --set secrets.DATABASE_URL.name=nowhere --set secrets.DATABASE_URL.key=uri`)
  const said = async (selector: string) =>
    succeed(`kubectl get pods --namespace ${namespace} --selector ${selector} --output \\
      'jsonpath={.items[*].status.containerStatuses[0]..terminated.message}'`)

  const reason = /the database nowhere:5432\/billing cannot be reached \(.*nowhere.*\)/
  await until(async () => reason.test(await said('app.kubernetes.io/name=billing')), 120_000)
  await until(
    async () => reason.test(await said('app.kubernetes.io/name=billing-migration')),
    60_000,
  )

  expect(await said('app.kubernetes.io/part-of=semel')).not.toMatch(/secret/)
}, 300_000)

it('services before their Kafka and its topics wait, and go on when they are there', async () => {
  await inNamespace()
  await succeed(`helm install kafka charts/kafka --namespace ${namespace} --wait
    helm install billing ${billing} --set settings.KAFKA_BROKERS=kafka:9092 --set replicas=1`)
  const logs = async () =>
    (await run(`kubectl logs deployment/billing --namespace ${namespace}`)).output

  await until(async () => /topics in Kafka .*there is no/.test(await logs()), 200_000)
  await succeed(`helm install topics charts/topics --namespace ${namespace} ${ours}
    kubectl rollout status deployment/billing --namespace ${namespace} --timeout 3m`)
  const restarts = await succeed(`kubectl get pods --namespace ${namespace} \\
    --selector app.kubernetes.io/name=billing \\
    --output 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'`)

  expect(restarts.trim()).toBe('0')
}, 600_000)

it('a second release is refused where it would take what another has made', async () => {
  await inNamespace()
  await succeed(`helm install billing ${billing}`)

  const again = await run(`helm install billing ${billing}`)
  const other = await run(`helm install other ${billing} --set fullnameOverride=billing`)

  expect(again.output).toMatch(/name.*still in use/)
  expect(other.code).not.toBe(0)
  expect(other.output).toMatch(/exists and cannot be imported into the current release/)
}, 300_000)

afterAll(async () => {
  await run(`kubectl delete namespace ${namespace} --ignore-not-found`)
})
