import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import {
  commandsOf,
  explainFailure,
  leftIn,
  restarting,
  secretOf,
  succeed,
  uninstall,
} from './guide.ts'
import { operatorToken } from './postman.ts'
import { until } from './product.ts'

/** Each way to install, as its page says: installed, tried by its collection, and gone. */

const url = 'http://arch.homework'

it('the shop over Kafka is installed release by release, and its saga holds', async () => {
  explainFailure('shop')

  await succeed(commandsOf('shop.md', 'Install'))
  const said = await succeed(commandsOf('shop.md', 'Try it'))
  const left = await uninstall('shop.md', ['shop'])

  expect(said).toMatch(/3 It is paid \(later\)/)
  expect(left).toEqual([])
}, 900_000)

it('the order service with Redis lives in one namespace, and leaves nothing', async () => {
  explainFailure('keys')

  await succeed(commandsOf('keys.md', 'Install'))
  const said = await succeed(commandsOf('keys.md', 'Try it'))
  const token = operatorToken(await secretOf('orders', 'AUTH_JWT_SECRET', 'keys'))
  // Redis is given 5 ms, and some look-ups may be late.
  const places = times(20, () => ({ key: freshId(), token, body: orderOf(freshId()) }))
  const placed = await Promise.all(places.map((place) => ask(url, place)))
  // Processes that have not decided them know them from Redis alone, or from the database.
  await succeed(restarting('orders', 'orders', 'keys'))
  const repeats = await Promise.all(places.map((place) => ask(url, place)))
  const hits = (await metricsOf('orders', 'keys')).filter((line) =>
    /^semel_cache_results_total\{.*cache="redis".*result="hits".*\} [1-9]/.test(line),
  )
  const left = await uninstall('keys.md', ['keys'])

  expect(said).toMatch(/9 List: two orders/)
  expect(statusCounts(placed)).toEqual({ 201: 20 })
  expect(repeats).toEqual(placed.map((told) => ({ ...told, replayed: true })))
  expect(hits).not.toEqual([])
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
  const left = await uninstall('versions.md', namespaces, 'secret/tokens')

  expect(said).toMatch(/UpdateOrder_Repeat_Unversion/)
  expect(placed.answer.status).toBe(201)
  expect(left).toEqual([])
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
