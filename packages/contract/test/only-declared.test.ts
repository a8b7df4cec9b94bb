import { onlyDeclared, Type } from '@semel/contract'
import { expect, it } from 'vitest'

const Grown = Type.Object({
  id: Type.String(),
  lines: Type.Array(Type.Object({ sku: Type.String() })),
  open: Type.Object({}, { additionalProperties: Type.Integer() }),
})

it('leaves out members that a schema does not declare, at every depth', () => {
  const sent = { id: 'a', new: 1, lines: [{ sku: 's', weight: 2 }], open: { any: 3 } }

  const read = onlyDeclared(Grown, sent)

  expect(read).toEqual({ id: 'a', lines: [{ sku: 's' }], open: { any: 3 } })
  expect(sent.new).toBe(1)
})

it('never takes a declared member from the prototype', () => {
  const schema = Type.Object({ toString: Type.Optional(Type.String()) })

  expect(onlyDeclared(schema, {})).toEqual({})
  expect(onlyDeclared(Type.Object({}), { constructor: 1, toString: 2 })).toEqual({})
})
