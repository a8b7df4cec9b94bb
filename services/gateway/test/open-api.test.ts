import type { Executor } from '@semel/commands'
import { type AnyCommandContract, type AnyQueryContract, validate } from '@semel/contract'
import * as messages from '@semel/contracts/messages'
import * as notifications from '@semel/contracts/notifications'
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
type Schema = {
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

/** The keywords of JSON Schema 2020-12 that contracts use. Another one of it may be added. */
const keywords = new Set([
  ...['type', 'const', 'enum', 'anyOf', 'oneOf', 'allOf', 'description', 'default'],
  ...['properties', 'required', 'additionalProperties', 'patternProperties'],
  ...['items', 'minItems', 'maxItems'],
  ...['format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
])

/** Every schema below a value, those inside schemas included. */
function schemasIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    // What an example says is no part of the description.
    if (['example', 'examples'].includes(name)) return []
    return name === 'schema' ? [member, ...innerSchemas(member)] : schemasIn(member)
  })
}

function innerSchemas(schema: Schema): object[] {
  const { properties = {}, patternProperties = {}, items } = schema
  const { anyOf = [], oneOf = [], allOf = [] } = schema
  const named = [...Object.values(properties), ...Object.values(patternProperties)]
  const inner = [...named, ...anyOf, ...oneOf, ...allOf]
  if (items !== undefined) inner.push(items)
  return inner.flatMap((each) => [each, ...innerSchemas(each)])
}

/** The document is made of contracts: who decides is never asked. */
const nobody = {} as Executor
const queries = [
  ...[contracts.getOrder, contracts.listOrders],
  ...[notifications.listNotifications, messages.getMessage, messages.listMessages],
]
const face: Face = {
  name: 'orders',
  commands: [contracts.placeOrder, contracts.updateOrder, contracts.cancelOrder].map(
    (contract: AnyCommandContract) => ({ contract, executor: nobody }),
  ),
  queries: queries.map((contract: AnyQueryContract) => ({
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

  it('is what clients were generated from: a difference fails until it is meant', async () => {
    const text = `${JSON.stringify(document, null, 2)}\n`

    // `npx vitest run services/gateway -u` means it.
    await expect(text).toMatchFileSnapshot('./golden/open-api.json')
  })

  it('is of every command and query that the shop declares', () => {
    const files = [contracts, messages, notifications]
    const declared = files
      .flatMap((file): unknown[] => Object.values(file))
      .filter((each) => 'path' in Object(each))

    expect([...face.commands, ...face.queries]).toHaveLength(declared.length)
  })

  it('has no keyword in a schema that JSON Schema does not have', () => {
    const schemas = schemasIn(document)

    expect(schemas.length).toBeGreaterThan(100)
    expect(schemas.flatMap((schema) => Object.keys(schema).filter((name) => !keywords.has(name))))
      // `errorMessage` is ours: it is for the validator, and not for clients.
      .toEqual([])
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
