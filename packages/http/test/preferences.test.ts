import { describe, expect, it } from 'vitest'
import { parsePreferences } from '../src/preferences.ts'

describe('preferences', () => {
  it('are none without the header', () => {
    expect(parsePreferences(undefined)).toEqual({ handling: undefined, respondAsync: false })
  })

  it.each([
    ['handling=lenient', 'lenient'],
    ['handling=strict', 'strict'],
    ['Handling=LENIENT', 'lenient'],
    ['handling="lenient"', 'lenient'],
    ['handling = lenient', 'lenient'],
    ['wait=10, handling=lenient', 'lenient'],
    ['handling=lenient; foo=bar', 'lenient'],
    ['handling=lenient;foo="a,b"', 'lenient'],
    ['note="handling=strict, x", handling=lenient', 'lenient'],
    ['note="a\\"b", handling=lenient', 'lenient'],
    [',, handling=lenient,', 'lenient'],
    ['handling=lenient, handling=strict', 'lenient'],
    ['handling=strict, handling=lenient', 'strict'],
    ['handling', undefined],
    ['handling=lenient-ish', undefined],
    ['nothandling=lenient', undefined],
    ['handling lenient', undefined],
    ['"handling=lenient"', undefined],
    ['', undefined],
  ])('handles %s as %s', (header, handling) => {
    expect(parsePreferences(header).handling).toBe(handling)
  })

  it.each([
    ['respond-async', true],
    ['Respond-Async', true],
    ['respond-async; wait=5', true],
    ['wait=5, respond-async', true],
    ['respond-async=no', false],
    ['respond', false],
  ])('reads respond-async out of %s: %s', (header, expected) => {
    expect(parsePreferences(header).respondAsync).toBe(expected)
  })

  it.each([
    ['empty parameters', `a${'; '.repeat(2000)}"`],
    ['quotes that are not closed', '"\\'.repeat(4000)],
    ['white space', `a${' '.repeat(8000)}=`],
    ['empty elements', ', '.repeat(4000)],
  ])('cannot be made slow by %s', (_, header) => {
    const started = performance.now()

    parsePreferences(header)

    expect(performance.now() - started).toBeLessThan(50)
  })
})
