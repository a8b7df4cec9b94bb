import { fingerprintOf } from '@semel/commands'
import { type Pool, transaction } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { expect, it } from 'vitest'
import { freshId } from '../../../test/client.ts'
import type { PlacedOrder } from '../src/order.ts'
import { migrations } from '../src/service.ts'
import { findOrder, orderRepository } from '../src/sql.ts'

it('keeps nothing of a batch in which an order is not what it was when it was locked', async () => {
  const { pool } = await testDatabase(migrations)
  const [order, other] = [placed(1), placed(2)]
  await save(pool, [order])

  const moved = { ...order, version: 10, stored: { version: 9, status: order.status } }
  await expect(save(pool, [moved, other])).rejects.toThrow('0 of 1 rows')

  expect(await transaction(pool, (tx) => findOrder(tx, order.id))).toMatchObject({ version: 1 })
  expect(await transaction(pool, (tx) => findOrder(tx, other.id))).toBeUndefined()
})

function save(pool: Pool, orders: readonly PlacedOrder[]): Promise<void> {
  return transaction(pool, (tx) => orderRepository.save(tx, orders))
}

function placed(number: number): PlacedOrder {
  return {
    id: freshId(),
    number,
    userId: freshId(),
    lines: [{ sku: 'tea', quantity: 1, unitPrice: 450 }],
    total: 450,
    currency: 'EUR',
    status: 'pending',
    version: 1,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    createdFrom: fingerprintOf('place-order', {}),
    stored: undefined,
  }
}
