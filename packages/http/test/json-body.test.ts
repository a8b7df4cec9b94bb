import { describe, expect, it } from 'vitest'
import { judgeMediaType, parseJson } from '../src/json-body.ts'

const parse = (text: string | Buffer) => parseJson(Buffer.from(text as string))

function faultOf(text: string | Buffer) {
  const read = parse(text)
  if (!('problem' in read)) return undefined
  const { errors } = read.members as { errors: { pointer: string; detail: string }[] }
  const [fault] = errors
  return { name: read.problem.name, ...fault }
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

describe('a JSON body', () => {
  it('is read as it was sent', () => {
    const text = '{"a":[1,-2.5,"x:y\\"{",null,true,{"b":"\\u00e9\\ud83d\\ude00"}]}'

    expect(parse(text)).toEqual({ value: JSON.parse(text) })
  })

  it.each([
    ['nothing', '', 'is empty, but must be a JSON object'],
    ['no JSON', '{', 'is not JSON'],
    ['a form', 'a=1&b=2', 'is not JSON'],
    ['a trailing comma', '{"a":1,}', 'is not JSON'],
    ['a comment', '{"a":1}//', 'is not JSON'],
    ['bytes behind the value', '{"a":1}{}', 'is not JSON'],
    ['NaN', '{"a":NaN}', 'is not JSON'],
    ['a leading zero', '{"a":01}', 'is not JSON'],
    ['single quotes', "{'a':1}", 'is not JSON'],
    ['a control character in a string', '{"a":"\u0001"}', 'is not JSON'],
    ['a byte order mark', Buffer.from('\ufeff{"a":1}'), 'is not JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'is not UTF-8'],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'is not UTF-8'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'is not UTF-8'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'is not JSON'],
  ])('is refused as %s', (_, text, detail) => {
    expect(faultOf(text)).toEqual({ name: 'request-invalid', in: 'body', pointer: '', detail })
  })

  it.each([
    ['at the top', '{"a":1,"a":1}'],
    ['with other values', '{"a":1,"b":2,"a":3}'],
    ['nested', '{"a":{"b":1,"b":2}}'],
    ['in an array', '[{"a":1},{"a":1,"a":2}]'],
    ['once escaped', '{"a":1,"\\u0061":2}'],
    ['with a colon in the name', '{"a:b":1,"a:b":2}'],
    ['with an escaped quote in the name', '{"a\\"":1,"a\\"":2}'],
    ['behind a string that ends in a backslash', '{"x":"\\\\","a":1,"a":2}'],
    ['that is empty', '{"":1,"":2}'],
  ])('is refused when it names a member twice %s', (_, text) => {
    expect(faultOf(text)?.detail).toBe('holds an object that names a member twice')
  })

  it.each([
    ['{"a:b":"c:d","e":"\\":\\"","f\\\\":1}'],
    ['[{"a":1},{"a":2}]'],
    ['{"a":{"a":{"a":1}}}'],
    ['{"constructor":1,"prototype":2,"toString":3,"hasOwnProperty":4}'],
    ['"a:b"'],
  ])('may hold what only looks like that: %s', (text) => {
    expect(parse(text)).toEqual({ value: JSON.parse(text) })
  })

  it('nests 16 levels and no more', () => {
    expect(faultOf(nested(16))).toBeUndefined()
    expect(faultOf(nested(17))).toMatchObject({
      pointer: '/0'.repeat(16),
      detail: 'is nested deeper than 16 levels',
    })
    expect(faultOf(nested(30_000))?.name).toBe('request-invalid')
  })

  it.each([
    ['{"__proto__":{"admin":true}}', '/__proto__'],
    ['{"a":[{"__proto__":1}]}', '/a/0/__proto__'],
    ['{"\\u005f_proto__":1}', '/__proto__'],
  ])('may not name a prototype: %s', (text, pointer) => {
    expect(faultOf(text)).toMatchObject({ pointer, detail: 'is not allowed as a name' })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it.each([
    ['{"a":"\\ud800"}', '/a', 'holds an unpaired surrogate'],
    ['{"a":"\\udc00\\ud800"}', '/a', 'holds an unpaired surrogate'],
    ['{"\\ud800":1}', '/\ud800', 'holds an unpaired surrogate'],
    ['{"a/b~c":"\\u0000"}', '/a~1b~0c', 'holds the character U+0000'],
    ['{"a":1e400}', '/a', 'is beyond the numbers JSON can carry'],
    ['{"a":[-1e400]}', '/a/0', 'is beyond the numbers JSON can carry'],
  ])('carries only what every part of the system can carry: %s', (text, pointer, detail) => {
    expect(faultOf(text)).toMatchObject({ pointer, detail })
  })
})

describe('a number', () => {
  it.each([
    ...['9007199254740991', '9007199254740992', '-9007199254740991', '123456789012345680000'],
    ...['0', '-0', '0e9', '0.000e99999999999999999999', '1e3', '1000.000', '1E+3', '10000e-1'],
    ...['0.1', '0.30000000000000004', '5e-324', '1.7976931348623157e308', '1e21', '1e-7'],
    ...[`1${'0'.repeat(300)}`, `0.${'0'.repeat(300)}1`, `1.${'0'.repeat(60_000)}`],
    `0.${'0'.repeat(50_000)}1e50001`,
  ])('is read where it is carried as it was written: %s', (number) => {
    expect(parse(`{"a":${number}}`)).toEqual({ value: { a: Number(number) } })
  })

  it.each([
    ...['9007199254740993', '-9007199254740993', '9007199254740991.5', '9007199254740993e0'],
    ...['90071992547409930e-1', '123456789012345678901', '0.1000000000000000055', '1e-400'],
    ...['0.10000000000000001', '1.7976931348623157081e308', '3e-324', '1e-99999999999999999999'],
    ...[`1${'0'.repeat(300)}1`, `0.1${'0'.repeat(60_000)}1`],
  ])('is refused where it would be rounded: %s', (number) => {
    const fault = { in: 'body', detail: 'cannot be carried as exactly as it is written' }

    expect(faultOf(`{"a":${number}}`)).toMatchObject({ ...fault, pointer: '/a' })
    expect(faultOf(`{"b":[1,{"c/d":\n ${number} }]}`)).toMatchObject({
      ...fault,
      pointer: '/b/1/c~1d',
    })
    expect(faultOf(`[\t${number},2]`)).toMatchObject({ ...fault, pointer: '/0' })
    expect(faultOf(number)).toMatchObject({ ...fault, pointer: '' })
  })

  it('is no number inside a text or a name', () => {
    const text = '{"a":"x:9007199254740993","b,1e-400":[",9007199254740993"]}'

    expect(parse(text)).toEqual({ value: JSON.parse(text) })
  })

  it.each([
    ['zeros', `{"a":1${'0'.repeat(30_000)}1e-30000}`],
    ['runs of zeros', `{"a":0.${`${'0'.repeat(200)}1`.repeat(300)}}`],
    ['digits without end', `[0.${'1'.repeat(60_000)}]`],
    ['white space', `[${' '.repeat(30_000)}1,${' '.repeat(30_000)}1]`],
    ['many numbers', `[${Array(2900).fill('90071992547409935e-1').join(',')}]`],
  ])('cannot be made slow by %s', (_, text) => {
    const started = performance.now()

    parse(text)

    expect(performance.now() - started).toBeLessThan(100)
  })
})

describe('a media type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json;',
    'application/json ; charset=utf-8 ',
  ])('%s is read', (type) => {
    expect(judgeMediaType({ 'content-type': type })).toBeUndefined()
  })

  it.each([
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/problem+json',
    'application/jsonx',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/json; profile=x',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ])('%s is not', (type) => {
    const headers = type === undefined ? {} : { 'content-type': type }

    expect(judgeMediaType(headers)?.problem.name).toBe('media-type-unsupported')
  })

  it.each(['gzip', 'br', 'deflate', 'identity, gzip', 'zstd'])('is not read in %s', (encoding) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }

    expect(judgeMediaType(headers)?.problem.name).toBe('media-type-unsupported')
  })

  it('may say that it is not encoded', () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'Identity' }

    expect(judgeMediaType(headers)).toBeUndefined()
  })

  it('cannot be made slow by white space', () => {
    const started = performance.now()

    judgeMediaType({ 'content-type': `application/json;${' '.repeat(8000)}x` })
    judgeMediaType({ 'content-type': `application/json${' '.repeat(8000)}x` })

    expect(performance.now() - started).toBeLessThan(20)
  })
})
