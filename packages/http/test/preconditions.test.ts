import { describe, expect, it } from 'vitest'
import { namesTag, parseIfMatch } from '../src/preconditions.ts'

describe('If-Match', () => {
  it.each([
    [undefined, { kind: 'absent' }],
    ['*', { kind: 'any' }],
    [' * ', { kind: 'any' }],
    ['"1-pending"', { kind: 'tags', strong: ['"1-pending"'] }],
    ['"a", "b"', { kind: 'tags', strong: ['"a"', '"b"'] }],
    ['"a","b"', { kind: 'tags', strong: ['"a"', '"b"'] }],
    ['"a,b"', { kind: 'tags', strong: ['"a,b"'] }],
    [', "a",, "b" ,', { kind: 'tags', strong: ['"a"', '"b"'] }],
    ['""', { kind: 'tags', strong: ['""'] }],
    ['W/"a"', { kind: 'tags', strong: [] }],
    ['W/"a", "b"', { kind: 'tags', strong: ['"b"'] }],
  ])('%s reads as %o', (header, expected) => {
    expect(parseIfMatch(header)).toEqual(expected)
  })

  it.each([
    '',
    ',',
    'a',
    '"a',
    'a"',
    '"a" "b"',
    '"a""b"',
    'w/"a"',
    'W/ "a"',
    '*, "a"',
    '"a", *',
    '"a b"',
    '"a"; q=1',
  ])('%s is malformed', (header) => {
    expect(parseIfMatch(header)).toEqual({ kind: 'malformed' })
  })

  it.each([
    ['empty elements', `"a"${', '.repeat(4000)}x`],
    ['tabs', `"a"${'\t'.repeat(8000)}x`],
    ['quotes', `${'"'.repeat(8000)}`],
    ['tags that are not closed', '"a,'.repeat(2600)],
  ])('cannot be made slow by %s', (_, header) => {
    const started = performance.now()

    parseIfMatch(header)
    namesTag(header, '"a"')

    expect(performance.now() - started).toBeLessThan(50)
  })
})

describe('If-None-Match', () => {
  it.each([
    ['"1-pending"', true],
    ['W/"1-pending"', true],
    ['"x", "1-pending"', true],
    ['*', true],
    ['"2-pending"', false],
    ['1-pending', false],
    [undefined, false],
    ['"1-pending', false],
  ])('%s names "1-pending": %s', (header, expected) => {
    expect(namesTag(header, '"1-pending"')).toBe(expected)
  })
})
