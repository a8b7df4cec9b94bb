import { describe, expect, it } from 'vitest'
import { parseIdempotencyKey } from '../src/idempotency-key.ts'

const key = (text: string) => ({ kind: 'key', key: text })

describe('an idempotency key', () => {
  it('is absent when the header is', () => {
    expect(parseIdempotencyKey(undefined)).toEqual({ kind: 'absent' })
  })

  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['a', 'a'],
    ['"a"', 'a'],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\b"', 'a\\b'],
    ['a\\b', 'a\\b'],
    ['"a,b;c"', 'a,b;c'],
    ['~!#$%&/()=?', '~!#$%&/()=?'],
    ["?1:x'*", "?1:x'*"],
  ])('is the same key quoted and bare: %s', (header, expected) => {
    expect(parseIdempotencyKey(header)).toEqual(key(expected))
  })

  it('has one character at least and 255 at most, after parsing', () => {
    const most = 'k'.repeat(255)

    expect(parseIdempotencyKey(most)).toEqual(key(most))
    expect(parseIdempotencyKey(`"${most}"`)).toEqual(key(most))
    expect(parseIdempotencyKey(`"${'\\"'.repeat(255)}"`)).toEqual(key('"'.repeat(255)))
    expect(parseIdempotencyKey(`${most}k`).kind).toBe('malformed')
    expect(parseIdempotencyKey(`"${most}k"`).kind).toBe('malformed')
  })

  it.each([
    ['nothing', ''],
    ['an empty string', '""'],
    ['a list', 'a,b'],
    ['two lines, as they arrive', 'a, b'],
    ['two quoted lines, as they arrive', '"a", "b"'],
    ['two lines that make one quoted string together', '"a, b"'],
    ['two lines, the first ending in an escape', '"a\\, b"'],
    ['a line and an empty one', 'a, '],
    ['parameters', 'a;x=1'],
    ['parameters of a quoted string', '"a";x=1'],
    ['a quote that is not closed', '"a'],
    ['a quote that is not opened', 'a"'],
    ['a lone quote', '"'],
    ['a quote inside', 'a"b'],
    ['an escape of another character', '"a\\b"'],
    ['an escape of the closing quote', '"a\\"'],
    ['text behind the string', '"a"b'],
    ['a space', 'a b'],
    ['a quoted space', '"a b"'],
    ['a tab', 'a\tb'],
    ['a control character', 'a\u0001'],
    ['a line break', 'a\r\nb'],
    ['DEL', 'a\u007f'],
    ['ASCII beyond, quoted', '"é"'],
    ['another alphabet', 'ключ'],
    ['a byte sequence', ':YWJj:, x'],
  ])('is malformed as %s', (_, header) => {
    expect(parseIdempotencyKey(header).kind).toBe('malformed')
  })

  it('is one key for a UUID in upper and in lower case', () => {
    const upper = '0193D5A1-6F00-7000-8000-00000000ABCD'

    expect(parseIdempotencyKey(upper)).toEqual(key(upper.toLowerCase()))
    expect(parseIdempotencyKey(`"${upper}"`)).toEqual(key(upper.toLowerCase()))
  })

  it('keeps the case of anything else: two keys that differ in case are two', () => {
    expect(parseIdempotencyKey('Order-1')).toEqual(key('Order-1'))
    expect(parseIdempotencyKey('x0193D5A1-6F00-7000-8000-00000000ABCD')).toEqual(
      key('x0193D5A1-6F00-7000-8000-00000000ABCD'),
    )
  })

  it('is read in linear time', () => {
    const started = performance.now()

    parseIdempotencyKey(`"${'\\"'.repeat(4000)}`)
    parseIdempotencyKey(`"${'a'.repeat(8000)}`)

    expect(performance.now() - started).toBeLessThan(50)
  })
})
