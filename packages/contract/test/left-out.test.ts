import { command, query, Type } from '@semel/contract'
import { describe, expect, it } from 'vitest'

const id = Type.String({ examples: ['a/1', 'b'] })
const Thing = Type.Object({
  id,
  colour: Type.Enum(['red', 'blue']),
  kind: Type.Literal('thing'),
  parts: Type.Array(Type.Object({ count: Type.Integer({ examples: [3] }) })),
  owner: Type.Union([Type.Null(), Type.String()]),
  note: Type.Optional(Type.String()),
})
const answer = { status: 200, description: 'The thing.', body: Thing }
const declaration = {
  operation: 'paint-thing',
  summary: 'Paint a thing',
  method: 'PUT',
  path: '/things/{id}/colour',
  params: { id },
  body: { colour: Type.Enum(['red', 'blue']) },
  accepted: [answer],
  refusals: [],
} as const

describe('what a declaration leaves out', () => {
  it('is, of examples, made of those of the schemas', () => {
    const { example, accepted } = command(declaration)

    expect(example).toEqual({ id: 'a/1', colour: 'red' })
    expect(accepted[0].example).toEqual({
      id: 'a/1',
      colour: 'red',
      kind: 'thing',
      parts: [{ count: 3 }],
      owner: null,
    })
  })

  it('is an error where no schema has an example', () => {
    const bare = { ...declaration, body: { amount: Type.Integer() } }

    expect(() => command(bare)).toThrow(/has no example.*integer/)
  })

  it('is kept where it is not left out', () => {
    const own = { ...declaration, example: { id: 'z', colour: 'blue' }, resource: () => '/z' }
    const { example, resource } = command({ ...own, accepted: [{ ...answer, example: {} }] })

    expect(example).toEqual({ id: 'z', colour: 'blue' })
    expect(resource({ id: '', input: { id: 'a', colour: 'red' } })).toBe('/z')
  })

  it('is, of the resource, the path that was asked', () => {
    const { resource } = command({ ...declaration, path: '/things/{id}' })

    expect(resource({ id: '', input: { id: 'a/1', colour: 'red' } })).toBe('/things/a%2F1')
  })

  it('is, of the names in the path, what stands in braces', () => {
    const found = query({
      name: 'list-parts',
      summary: 'List parts',
      path: '/things/{id}/parts',
      parameters: { id, limit: Type.Optional(Type.Integer()) },
      answer,
    })

    expect(found.inPath).toEqual(['id'])
    expect(found.example).toEqual({ id: 'a/1' })
  })
})
