import { connect } from 'node:net'
import { createOrders, migrations } from '@semel/orders'
import { testDatabase } from '@semel/postgres/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, bodyOf, freshId, orderOf, statusCounts, times } from './client.ts'
import { until } from './product.ts'
import { tracesOf } from './replicas.ts'
import { serve } from './serve.ts'

async function openShop() {
  const { pool } = await testDatabase(migrations)
  const orders = createOrders({ pool, currency: 'EUR' })
  onTestFinished(() => orders.stop())
  return { pool, url: await serve(orders) }
}

describe('a request that arrives twice', () => {
  it('on one connection, the second behind the first, is answered twice and done once', async () => {
    const { pool, url } = await openShop()
    const body = JSON.stringify(orderOf(freshId()))
    const request =
      'POST /orders HTTP/1.1\r\nhost: shop\r\nidempotency-key: k\r\n' +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`

    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.write(request + request)
    await until(async () => text.split('"createdAt"').length === 3 && text.endsWith('}'))

    const bodies = [...text.matchAll(/\r\n\r\n({.*?})(?=HTTP|$)/gs)].map(([, sent]) => sent)
    expect(text.match(/HTTP\/1\.1 201/g)).toHaveLength(2)
    expect(text.toLowerCase().match(/idempotent-replayed: true/g)).toHaveLength(1)
    expect(bodies[0]).toBe(bodies[1])
    expect(await tracesOf(pool)).toEqual({ orders: 1, commands: 1, messages: 1 })
  })

  it('written another way is the same request: order of members, space, escapes, 1.0 for 1', async () => {
    const { pool, url } = await openShop()
    const userId = freshId()
    const send = (body: string) =>
      fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'idempotency-key': 'k', 'content-type': 'application/json' },
        body,
      })
    const first = await send(JSON.stringify(orderOf(userId)))
    const answer = await first.text()

    const others = await Promise.all(
      [
        `{"lines":[{"unitPrice":450,"quantity":1,"sku":"tea"}],"userId":"${userId}"}`,
        `{ "userId" : "${userId}",\n "lines" : [ {"sku":"tea","quantity":1,"unitPrice":450} ] }`,
        `{"userId":"${userId}","lines":[{"sku":"\\u0074ea","quantity":1.0,"unitPrice":4.5e2}]}`,
      ].map(send),
    )

    expect(others.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(await Promise.all(others.map((other) => other.text()))).toEqual(Array(3).fill(answer))
    expect(await tracesOf(pool)).toEqual({ orders: 1, commands: 1, messages: 1 })
  })

  it('for something else is something else: a key is spent for one operation only', async () => {
    const { pool, url } = await openShop()
    const userId = freshId()
    const key = 'the-same-key'
    const placed = await ask(url, { key, body: orderOf(userId) })
    const path = placed.answer.headers.location!

    const update = { version: 1, lines: orderOf(userId, 7).lines }
    const updated = await ask(url, { method: 'PUT', path, key, body: update })
    const cancelled = await ask(url, { method: 'DELETE', path, key })

    expect([placed, updated, cancelled].map(({ replayed }) => replayed)).toEqual(
      Array(3).fill(false),
    )
    expect(bodyOf(cancelled)).toMatchObject({ status: 'cancelled', version: 3 })
    expect(await tracesOf(pool)).toEqual({ orders: 1, commands: 3, messages: 3 })
  })

  it('and fifty times, with forty others, is a storm that ends with one order each', async () => {
    const { pool, url } = await openShop()
    const body = orderOf(freshId())
    const storm = times(2000, (index) => ({ key: `key-${index % 40}`, body }))

    const told = await Promise.all(storm.map((asked) => ask(url, asked)))

    const counts = statusCounts(told)
    expect(Object.keys(counts).filter((status) => !['201', '503'].includes(status))).toEqual([])
    expect(told.filter(({ answer, retryAfter }) => answer.status === 503 && !retryAfter)).toEqual(
      [],
    )
    const bodies = told
      .filter(({ answer }) => answer.status === 201)
      .map(({ answer }) => answer.body)
    expect(new Set(bodies).size).toBe(40)
    expect(await tracesOf(pool)).toEqual({ orders: 40, commands: 40, messages: 40 })
  })
})
