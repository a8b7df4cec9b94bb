import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { carriable, normalised, validate } from '../src/index.ts'

const Line = Type.Object(
  {
    sku: Type.String({ minLength: 1, errorMessage: 'must name a thing' }),
    quantity: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
)
const Order = Type.Object(
  {
    id: Type.Optional(Type.String({ format: 'uuid' })),
    lines: Type.Array(Line, { minItems: 1 }),
    note: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
const line = { sku: 'tea', quantity: 1 }

describe('validation', () => {
  it('finds nothing in a valid value', () => {
    expect(validate(Order, { lines: [line] })).toEqual([])
  })

  it.each([
    ['a member that is missing', { lines: [{ sku: 'tea' }] }, '/lines/0/quantity', 'is required'],
    ['a member that is not known', { lines: [line], 'a/b~': 1 }, '/a~1b~0', 'is not known here'],
    ['one of a line', { lines: [{ ...line, id: 1 }] }, '/lines/0/id', 'is not known here'],
    ['a value that is too small', { lines: [{ ...line, quantity: 0 }] }, '/lines/0/quantity', ''],
    ['a text for a number', { lines: [{ ...line, quantity: '1' }] }, '/lines/0/quantity', ''],
    ['a fraction', { lines: [{ ...line, quantity: 1.5 }] }, '/lines/0/quantity', ''],
    ['too few', { lines: [] }, '/lines', ''],
    ['null for an optional member', { lines: [line], note: null }, '/note', ''],
    ['a value that is no object', [], '', ''],
    [
      'a text that a schema has words of its own for',
      { lines: [{ ...line, sku: '' }] },
      '/lines/0/sku',
      'must name a thing',
    ],
  ])('points to %s', (_, value, pointer, detail) => {
    const faults = validate(Order, value)

    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatchObject({ pointer })
    expect(faults[0]?.detail).toContain(detail)
  })

  it('tells all faults at once, twenty at most', () => {
    const wrong = (count: number) => ({
      lines: Array.from({ length: count }, () => ({ ...line, quantity: 0 })),
    })

    expect(validate(Order, wrong(3))).toHaveLength(3)
    expect(validate(Order, wrong(200))).toHaveLength(20)
  })

  it('neither coerces nor strips nor fills in what it judges', () => {
    const value = Object.freeze({ lines: Object.freeze([Object.freeze(line)]), extra: 1 })

    validate(Order, value)

    expect(value).toEqual({ lines: [line], extra: 1 })
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'does not know the member %s, either',
    (name) => {
      expect(validate(Order, { lines: [line], [name]: 1 })[0]?.pointer).toBe(`/${name}`)
    },
  )
})

describe('what can be carried', () => {
  it('is any JSON that text columns, too, can hold', () => {
    expect(carriable({ a: [1, 'x', null, true, { b: 'é😀' }] })).toEqual([])
  })

  it('tells twenty faults at most', () => {
    expect(carriable(Array.from({ length: 50 }, () => '\u0000'))).toHaveLength(20)
  })
})

describe('a normalised input', () => {
  it('has its UUIDs in lower case, and everything else as it was', () => {
    const id = '0193D5A1-6F00-7000-8000-00000000ABCD'
    const input = { id, lines: [line], note: 'ABC' }

    expect(normalised(Order, input)).toEqual({ ...input, id: id.toLowerCase() })
    expect(input.id).toBe(id)
  })

  it('is the input itself where there is nothing to do, valid or not', () => {
    const input = { id: 7, lines: [] }

    expect(normalised(Order, input)).toBe(input)
  })
})
