import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf } from './client.ts'
import { commandsOf, explainFailure, leftIn, restarting, secretOf, succeed } from './guide.ts'
import { operatorToken } from './postman.ts'
import { until } from './product.ts'

/** Each way to install, as its page says: installed, tried by its collection, and gone. */

const url = 'http://arch.homework'

it('the shop over Kafka is installed release by release, and its saga holds', async () => {
  explainFailure('shop')

  await succeed(commandsOf('shop.md', 'Install'))
  const said = await succeed(commandsOf('shop.md', 'Try it'))
  await succeed(commandsOf('shop.md', 'Uninstall'))

  expect(said).toMatch(/3 It is paid \(later\)/)
  expect(await leftIn('shop')).toEqual(['no namespace'])
}, 900_000)

it('the order service with Redis lives in one namespace, and leaves nothing', async () => {
  explainFailure('keys')

  await succeed(commandsOf('keys.md', 'Install'))
  const said = await succeed(commandsOf('keys.md', 'Try it'))
  const token = operatorToken(await secretOf('orders', 'AUTH_JWT_SECRET', 'keys'))
  const place = { key: freshId(), token, body: orderOf(freshId()) }
  const placed = await ask(url, place)
  // Processes that have not decided it know it from Redis alone, or from the database.
  await succeed(restarting('orders', 'orders', 'keys'))
  const repeat = await ask(url, place)
  const hits = (await metricsOf('orders', 'keys')).filter((line) =>
    /^semel_cache_results_total\{.*cache="redis".*result="hits".*\} [1-9]/.test(line),
  )
  await succeed('helm uninstall orders redis --namespace keys --wait')
  const left = await leftIn('keys')
  await succeed('kubectl delete namespace keys')

  expect(said).toMatch(/9 List: two orders/)
  expect(placed.answer.status).toBe(201)
  expect(repeat).toEqual({ ...placed, replayed: true })
  expect(hits).toHaveLength(1)
  expect(left).toEqual([])
}, 900_000)

it('orders and the registry stand in namespaces of their own, and hear of each other', async () => {
  const namespaces = ['ingress-ns', 'message-ns', 'order-ns']
  explainFailure(...namespaces)

  for (const step of ['Ingress', 'Messages', 'Orders'])
    await succeed(commandsOf('versions.md', step))
  const said = await succeed(commandsOf('versions.md', 'Try it'))
  const token = operatorToken(await secretOf('tokens', 'AUTH_JWT_SECRET', 'ingress-ns'))
  const key = freshId()
  const placed = await ask(url, { key, token, body: orderOf(freshId()) })
  const path = `/messages?operation=place-order&key=${key}`
  await until(async () => {
    const [message] = bodyOf(await ask(url, { method: 'GET', path, token })).items
    return message?.state === 'answered' && message.response.body.id === bodyOf(placed).id
  })
  const [releases, ofUsers] = split(commandsOf('versions.md', 'Uninstall'), 'kubectl delete')
  await succeed(releases)
  const left = await Promise.all(namespaces.map((name) => leftIn(name, 'secret/tokens')))
  await succeed(ofUsers)

  expect(said).toMatch(/UpdateOrder_Repeat_Unversion/)
  expect(placed.answer.status).toBe(201)
  expect(left.flat()).toEqual([])
  for (const name of namespaces) expect(await leftIn(name)).toEqual(['no namespace'])
}, 900_000)

/** What all pods of a chart count, line by line. */
async function metricsOf(chart: string, namespace: string): Promise<readonly string[]> {
  const said = await succeed(`
    for pod in $(kubectl get pods --namespace ${namespace} --output name \\
        --selector app.kubernetes.io/name=${chart}); do
      kubectl exec "$pod" --namespace ${namespace} -- node --eval '${printMetrics}'
    done`)
  return said.split('\n')
}

const printMetrics = `
  fetch("http://127.0.0.1:9464/metrics")
    .then((answer) => answer.text())
    .then((text) => process.stdout.write(text))`

/** A script, up to the line that begins so, and from there. */
function split(script: string, start: string): readonly [string, string] {
  const at = script.indexOf(`\n${start}`)
  return [script.slice(0, at), script.slice(at)]
}
