import { expect, it } from 'vitest'
import { ask, bodyOf, freshId, orderOf } from './client.ts'
import { commandsOf, explainFailure, leftIn, secretOf, succeed } from './guide.ts'
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
  const redis = await succeed('kubectl logs deployment/orders --namespace keys --all-pods=true')
  await succeed('helm uninstall orders redis --namespace keys --wait')
  const left = await leftIn('keys')
  await succeed('kubectl delete namespace keys')

  expect(said).toMatch(/9 List: two orders/)
  expect(redis).not.toMatch(/left alone/)
  expect(left).toEqual([])
}, 900_000)

it('orders and the registry stand in namespaces of their own, and hear of each other', async () => {
  explainFailure('ingress-ns', 'message-ns', 'order-ns')

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
  await succeed(commandsOf('versions.md', 'Uninstall'))

  expect(said).toMatch(/UpdateOrder_Repeat_Unversion/)
  expect(placed.answer.status).toBe(201)
  expect(await leftIn('order-ns')).toEqual(['no namespace'])
}, 900_000)
