import { createOrders, migrations } from '@semel/orders'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { expect, it, onTestFinished } from 'vitest'
import { ask, freshId, orderOf } from './client.ts'
import { tracesOf } from './replicas.ts'
import { serve } from './serve.ts'

it('an effect whose message is too large for its readers is not committed, others are', async () => {
  const { pool, anotherPool } = await testDatabase(migrations)
  const append = outboxAppend()
  const huge = freshId()
  const orders = createOrders({
    pool: anotherPool(),
    currency: 'EUR',
    executor: {
      // What a faulty release might tell of one order.
      append: (tx, messages) =>
        append(
          tx,
          messages.map((message) => {
            const { orderId } = message.body as { orderId: string }
            return orderId === huge ? { ...message, body: 'x'.repeat(10_000_000) } : message
          }),
        ),
    },
  })
  onTestFinished(() => orders.stop())
  const url = await serve(orders)
  const userId = freshId()

  const told = await Promise.all(
    [freshId(), huge, freshId()].map((id) => ask(url, { body: orderOf(userId, 1, id) })),
  )

  expect(told.map(({ answer }) => answer.status)).toEqual([201, 500, 201])
  expect(await tracesOf(pool)).toEqual({ orders: 2, commands: 2, messages: 2 })
})
