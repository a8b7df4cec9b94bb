import { createExecutor, localOperator, makeCommand } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import { queryable } from '@semel/postgres'
import { preparedPlans, testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { expect, it } from 'vitest'
import { orderDecider, settleOrder } from '../src/order.ts'
import { migrations } from '../src/service.ts'
import { findOrder, listOrders, orderRepository } from '../src/sql.ts'

const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'
const lines = [{ sku: 'tea', quantity: 1, unitPrice: 450 }]

it('looks things up by an index, also when it was prepared on an empty table', async () => {
  const { anotherPool } = await testDatabase(migrations)
  const pool = anotherPool({ connectionsMax: 1 })
  const executor = createExecutor({
    store: postgresStore(pool),
    repository: orderRepository,
    decider: orderDecider('EUR'),
    contracts: [placeOrder, updateOrder, cancelOrder, settleOrder],
    append: outboxAppend(),
  })
  const asked = { scope: localOperator, key: 'h:k', receivedAt: new Date(0) }
  await executor.submit(makeCommand(placeOrder, { ...asked, input: { userId, lines } }))
  const { id } = makeCommand(placeOrder, { ...asked, input: {} })
  await executor.submit(makeCommand(updateOrder, { ...asked, input: { id, version: 1, lines } }))
  const paid = { orderId: id, version: 2, userId, amount: 450, currency: 'EUR', outcome: 'paid' }
  await executor.submit(makeCommand(settleOrder, { ...asked, input: paid }))
  await findOrder(queryable(pool), id)
  const page = { status: undefined, below: 9, limit: 9 }
  await listOrders(queryable(pool), { ...page, userId })
  await listOrders(queryable(pool), { ...page, userId: undefined })

  const plans = await preparedPlans(pool)

  expect(plans.length).toBeGreaterThanOrEqual(10)
  expect(plans.map(({ name }) => name)).toContain('settle-orders')
  expect(plans.filter(({ plan }) => plan.includes('Seq Scan'))).toEqual([])
})
