import { createExecutor, type Decider, localOperator, makeCommand } from '@semel/commands'
import { postgresStore } from '@semel/commands/postgres'
import { cancelOrder, placeOrder, updateOrder } from '@semel/contracts/orders'
import type { Pool } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { outboxAppend } from '@semel/topics'
import { describe, expect, it } from 'vitest'
import { ask, bodyOf, freshId, statusCounts, times } from '../../../test/client.ts'
import { tracesOf } from '../../../test/replicas.ts'
import { serve } from '../../../test/serve.ts'
import { type OrderCommand, type OrderState, orderDecider, type PlacedOrder } from '../src/order.ts'
import { migrations } from '../src/service.ts'
import { orderRepository } from '../src/sql.ts'

const contracts = [placeOrder, updateOrder, cancelOrder]
const poison = { throwing: 'makes the decider throw', broken: 'breaks a constraint' }
const userId = freshId()

/** Decides like the real one, but for two goods that no shop should sell. */
const poisoned: Decider<OrderState, OrderCommand> = {
  ...orderDecider('EUR'),
  decide(order, command) {
    const sku = 'lines' in command.input ? command.input.lines[0]?.sku : undefined
    if (sku === poison.throwing) throw new Error('nobody sells this')
    const decision = orderDecider('EUR').decide(order, command)
    if (sku !== poison.broken) return decision
    return { ...decision, state: { ...(decision.state as PlacedOrder), total: 0 } }
  },
}

function executorOn(pool: Pool, decider: Decider<OrderState, OrderCommand>) {
  const batches: number[] = []
  const executor = createExecutor({
    store: postgresStore(pool),
    repository: {
      ...orderRepository,
      load(tx, ids, commands) {
        batches.push(commands.length)
        return orderRepository.load(tx, ids, commands)
      },
    },
    decider,
    contracts,
    append: outboxAppend(),
  })
  return { executor, batches }
}

function linesOf(sku: string) {
  return [{ sku, quantity: 1, unitPrice: 450 }]
}

/** What the n-th of 256 clients orders. */
function bodyAt(index: number) {
  const skus: Record<number, string> = { 77: poison.throwing, 200: poison.broken }
  return { userId, lines: linesOf(skus[index] ?? 'tea') }
}

function placeAt(index: number): OrderCommand {
  const asked = { scope: localOperator, key: `h:${index}`, receivedAt: new Date() }
  return makeCommand(placeOrder, { ...asked, input: bodyAt(index) })
}

describe('a batch of 256 with two commands that cannot be decided', () => {
  it('decides the other 254, and leaves nothing of the two behind', async () => {
    const { pool } = await testDatabase(migrations)
    const { executor, batches } = executorOn(pool, poisoned)

    const ends = await Promise.allSettled(times(256, (n) => executor.submit(placeAt(n))))

    expect(batches[0]).toBe(256)
    expect(batches.length).toBeLessThan(20)
    expect(ends.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([77, 200])
    expect(ends[77]).toMatchObject({ reason: { code: 'command-failed' } })
    expect(ends[200]).toMatchObject({ reason: { code: 'command-failed' } })
    expect(await tracesOf(pool)).toEqual({ orders: 254, commands: 254, messages: 254 })
    const { rows } = await pool.query('select max(position) as last, count(*) as n from outbox')
    expect(rows).toEqual([{ last: 253, n: 254 }])
  })

  it('keeps the keys of the two free: mended, they are decided', async () => {
    const { pool } = await testDatabase(migrations)
    const { executor } = executorOn(pool, poisoned)
    const mended = executorOn(pool, orderDecider('EUR')).executor
    await Promise.allSettled(times(256, (n) => executor.submit(placeAt(n))))

    const again = await Promise.all([76, 77, 200].map((n) => mended.submit(placeAt(n))))

    expect(again).toMatchObject([
      { kind: 'answered', replayed: true },
      { kind: 'answered', replayed: false },
      { kind: 'answered', replayed: false },
    ])
    expect(await tracesOf(pool)).toEqual({ orders: 256, commands: 256, messages: 256 })
  })

  it('is told by HTTP as 254 orders and two faults of ours', async () => {
    const { pool } = await testDatabase(migrations)
    const { executor } = executorOn(pool, poisoned)
    const face = { name: 'orders', queries: [], ready: async () => {} }
    const faults: unknown[] = []
    const url = await serve(
      { ...face, commands: contracts.map((contract) => ({ contract, executor })) },
      { report: (fault) => faults.push(fault) },
    )

    const told = await Promise.all(times(256, (n) => ask(url, { key: String(n), body: bodyAt(n) })))
    const later = await ask(url, { key: 'later', body: bodyAt(0) })

    expect(statusCounts(told)).toEqual({ 201: 254, 500: 2 })
    expect([77, 200].map((n) => told[n]!.answer.status)).toEqual([500, 500])
    expect(bodyOf(told[77]!)).toMatchObject({ type: '/problems/internal-error' })
    expect(told[77]!.answer.body).not.toContain('nobody')
    expect(faults).toHaveLength(2)
    expect(later.answer.status).toBe(201)
    expect(await tracesOf(pool)).toEqual({ orders: 255, commands: 255, messages: 255 })
  })

  it('does not take along its neighbours on the very same order', async () => {
    const { pool } = await testDatabase(migrations)
    const { executor } = executorOn(pool, poisoned)
    const id = freshId()
    const asked = (key: string) => ({
      scope: localOperator,
      key: `h:${key}`,
      receivedAt: new Date(),
    })
    const lines = (sku: string) => ({ id, lines: linesOf(sku) })

    const ends = await Promise.allSettled(
      [
        makeCommand(placeOrder, { ...asked('place'), input: { userId, ...lines('tea') } }),
        makeCommand(updateOrder, {
          ...asked('broken'),
          input: { version: 1, ...lines(poison.broken) },
        }),
        makeCommand(updateOrder, { ...asked('good'), input: { version: 1, ...lines('coffee') } }),
        makeCommand(cancelOrder, { ...asked('cancel'), input: { id, version: 2 } }),
      ].map((command) => executor.submit(command)),
    )

    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    const { rows } = await pool.query('select version, status, lines from orders')
    expect(rows).toMatchObject([{ version: 3, status: 'cancelled', lines: [{ sku: 'coffee' }] }])
    expect(await tracesOf(pool)).toEqual({ orders: 1, commands: 3, messages: 3 })
  })
})
