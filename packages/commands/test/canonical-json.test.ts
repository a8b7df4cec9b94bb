import { canonicalJson } from '@semel/commands'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('canonical JSON (RFC 8785)', () => {
  it('writes the example of the RFC as the RFC does', () => {
    const value = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`)

    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('sorts members by UTF-16 code units, as the RFC does', () => {
    const value = JSON.parse(`{"\\u20ac": 1, "\\r": 2, "\\ufb33": 3, "1": 4, "\\ud83d\\ude00": 5,
      "\\u0080": 6, "\\u00f6": 7}`)

    expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toHaveLength(7)
    expect(canonicalJson(value)).toBe(
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    )
  })

  it.each([
    [Number.NaN, 'no NaN'],
    [Number.POSITIVE_INFINITY, 'no Infinity'],
    ['\ud800', 'unpaired surrogate'],
    [{ '\udc00': 1 }, 'unpaired surrogate'],
    [[undefined], 'no undefined'],
    [() => 1, 'no function'],
  ])('refuses what JSON cannot carry: %o', (value, message) => {
    expect(() => canonicalJson(value)).toThrow(message)
  })

  it('writes what the plain rule gives, for any value and any text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
    const { value: json } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(text, fc.oneof(tie('value'), fc.constant(undefined))),
      ),
    }))

    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(plainly(value))
      }),
    )
  })

  it.each([
    [{ b: undefined, a: 1 }, '{"a":1}'],
    [[-0, 0, 1e21, 5e-324], '[0,0,1e+21,5e-324]'],
    [['a"b', 'a\\b', '\u007f', '/', ''], '["a\\"b","a\\\\b","\u007f","/",""]'],
    [{ '': {}, ' ': [] }, '{"":{}," ":[]}'],
  ])('leaves out what is undefined, and escapes what JSON must: %o', (value, written) => {
    expect(canonicalJson(value)).toBe(written)
  })

  it('does not depend on the order of members or on white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shuffled = JSON.parse(JSON.stringify(reversed(value), null, 3))
        expect(canonicalJson(shuffled)).toBe(canonicalJson(JSON.parse(JSON.stringify(value))))
      }),
    )
  })
})

/** The rule of RFC 8785 as it reads, member by member. */
function plainly(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = members.sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${plainly(member)}`).join(',')}}`
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).toReversed()
  return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]))
}
