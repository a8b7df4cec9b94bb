import type { Executor } from '@semel/commands'
import { type AnyCommandContract, type AnyQueryContract, validate } from '@semel/contract'
import * as contracts from '@semel/contracts/orders'
import { createGateway } from '@semel/gateway'
import type { Face } from '@semel/http'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'

type Answer = {
  description: string
  headers?: Record<string, unknown>
  content?: Record<string, { schema: object; examples: Record<string, { value: unknown }> }>
}
type Operation = {
  operationId: string
  requestBody?: { content: Record<string, { schema: object; example?: unknown }> }
  responses: Record<string, Answer>
}
type Document = { openapi: string; paths: Record<string, Record<string, Operation>> }

/** The document is made of contracts: who decides is never asked. */
const nobody = {} as Executor
const face: Face = {
  name: 'orders',
  commands: [contracts.placeOrder, contracts.updateOrder, contracts.cancelOrder].map(
    (contract: AnyCommandContract) => ({ contract, executor: nobody }),
  ),
  queries: [contracts.getOrder, contracts.listOrders].map((contract: AnyQueryContract) => ({
    contract,
    answer: () => Promise.reject(new Error('not asked')),
  })),
  ready: async () => {},
}

describe('the OpenAPI document', () => {
  let document: Document
  let routes: readonly { method: string; path: string }[]

  beforeAll(async () => {
    const gateway = await createGateway({
      callers: { kind: 'none' },
      faces: [face],
      ready: async () => ({ ready: true, faults: [] }),
    })
    document = (await gateway.inject({ method: 'GET', url: '/openapi.json' })).json()
    routes = gateway.routes
    await gateway.close()
  })

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  it('is of version 3.1', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/)
  })

  it('describes every route that is mounted, and no other', () => {
    const documented = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`)
    const mounted = routes.map(({ method, path }) => `${method} ${path}`)

    expect(documented.toSorted()).toEqual(mounted.toSorted())
  })

  it('gives every answer an example that is valid by its own schema', () => {
    const wrong = operations().flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, { content }]) =>
        Object.values(content ?? {}).flatMap(({ schema, examples }) => {
          const values = Object.values(examples ?? {}).map(({ value }) => value)
          if (values.length === 0) return [`${operation.operationId} ${status}: no example`]
          return values
            .filter((value) => validate(schema, value).length > 0)
            .map((value) => `${operation.operationId} ${status}: ${JSON.stringify(value)}`)
        }),
      ),
    )

    expect(wrong).toEqual([])
  })

  it('tells of every command which keys, preconditions and answers it has', () => {
    const update = document.paths['/orders/{id}']?.put

    expect(update?.operationId).toBe('update-order')
    expect(Object.keys(update?.responses ?? {})).toEqual(
      expect.arrayContaining([
        ...['200', '400', '401', '404', '409', '410', '412'],
        ...['413', '415', '422', '428', '500', '503'],
      ]),
    )
    expect(JSON.stringify(update)).toContain('Idempotency-Key')
    expect(JSON.stringify(update)).toContain('If-Match')
  })

  it('has a page for every problem that it names', async () => {
    const gateway = await createGateway({
      callers: { kind: 'none' },
      faces: [face],
      ready: async () => ({ ready: true, faults: [] }),
    })
    onTestFinished(() => gateway.close())
    const named = new Set(JSON.stringify(document).match(/\/problems\/[a-z-]+/g))

    expect(named.size).toBeGreaterThan(15)
    for (const url of named) {
      const page = await gateway.inject({ method: 'GET', url })
      expect(page.statusCode, url).toBe(200)
      expect(page.headers['content-type']).toBe('text/plain; charset=utf-8')
    }
  })
})
