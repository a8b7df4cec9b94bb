import { guidOf, makeCommand, userScope } from '@semel/commands'
import { validate } from '@semel/contract'
import { announceAll, messageAnswered } from '@semel/contracts/messages'
import { placeOrder } from '@semel/contracts/orders'
import { createOrders, migrations as orderMigrations } from '@semel/orders'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it, onTestFinished } from 'vitest'
import { ask, bodyOf, orderOf, tokenOf, tokenSecret } from '../../../test/client.ts'
import { serve } from '../../../test/serve.ts'
import { createMessages, migrations } from '../src/service.ts'
import { ann, deliverTold } from './requests.ts'

/** Orders and the registry on one database, each behind its port, and what is told between them. */
async function open() {
  const { pool } = await testDatabase([...orderMigrations, ...migrations])
  const orders = createOrders({ pool, currency: 'EUR', executor: { announce: announceAll } })
  const messages = createMessages({ pool })
  onTestFinished(() => orders.stop())
  onTestFinished(() => messages.stop())
  const callers = { callers: { kind: 'secret', secret: tokenSecret } } as const
  const token = await tokenOf(ann)
  const [shop, registry] = [await serve(orders, callers), await serve(messages, callers)]
  const told = async () => {
    const { rows } = await pool.query(
      `select id, type, partition_key, body from outbox where topic = 'message' order by position`,
    )
    return rows.map(({ body, ...rest }) => ({ ...rest, body: JSON.parse(body) }))
  }
  return {
    orders,
    told,
    place: (key: string, quantity: number) =>
      ask(shop, { key, token, body: orderOf(ann, quantity) }),
    lookUp: (guid: string) => ask(registry, { method: 'GET', path: `/messages/${guid}`, token }),
    deliver: () => deliverTold(pool, messages.executor),
  }
}

function placement(key: string, quantity: number) {
  return makeCommand(placeOrder, {
    ...{ scope: userScope('-', ann), key: `h:${key}`, receivedAt: new Date() },
    input: orderOf(ann, quantity),
  })
}

it('keeps for a request that came by HTTP the very bytes it was answered with', async () => {
  const { place, told, deliver, lookUp } = await open()
  const { answer } = await place('k', 1)
  await place('k', 1)
  await place('k', 2)

  await deliver()
  const found = await lookUp(guidOf(placement('k', 1)))

  // Repeats over HTTP have their answers, and tell nothing.
  expect(await told()).toHaveLength(1)
  expect(found.answer.body).toContain(`"body":${answer.body}`)
  expect(bodyOf(found)).toMatchObject({
    ...{ state: 'answered', key: 'k', request: orderOf(ann, 1) },
    response: {
      status: 201,
      headers: { location: answer.headers.location, etag: answer.headers.etag },
    },
  })
})

it('answers whoever sent another body under the same key by a topic, with 422', async () => {
  const { orders, told, deliver, lookUp } = await open()
  const [first, other] = [placement('k', 1), placement('k', 2)]
  const carried = [first, other, first].map((command) => ({ command, partitionKey: command.id }))
  await orders.executor.submitCarried(carried)

  await deliver()

  const messages = await told()
  expect(messages.map(({ body }) => body.outcome)).toEqual(['answered', 'key-reused', 'answered'])
  expect(messages[2]).toEqual(messages[0])
  expect(messages.flatMap(({ body }) => validate(messageAnswered.body, body))).toEqual([])
  expect(bodyOf(await lookUp(guidOf(first)))).toMatchObject({ response: { status: 201 } })
  expect(bodyOf(await lookUp(guidOf(other)))).toMatchObject({
    ...{ state: 'answered', request: orderOf(ann, 2) },
    response: { status: 422, body: { type: '/problems/key-reused' } },
  })
})
