import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { command, problem, renderAnswer } from '../src/index.ts'

const full = problem({
  name: 'shelf-full',
  title: 'the shelf is full',
  statuses: [409, 412],
  explanation: 'Take something out.',
  members: { free: Type.Integer() },
  constants: { code: 12 },
})
const unknown = problem({
  name: 'shelf-unknown',
  title: 'no such shelf',
  statuses: [404],
  explanation: 'Build it.',
})
const Shelf = Type.Object({ name: Type.String(), items: Type.Integer() })
const example = { name: 'a', items: 1 }
const putOnShelf = command({
  operation: 'put-on-shelf',
  summary: 'Put something on a shelf',
  method: 'POST',
  path: '/shelves',
  body: { name: Type.String(), tag: Type.Optional(Type.String()) },
  resource: ({ input }) => `/shelves/${input.name}`,
  etag: ({ items }) => `"${items}"`,
  accepted: [
    { status: 201, description: 'It is there.', body: Shelf, example },
    { status: 200, description: 'It was there.', body: Shelf, example },
  ],
  refusals: [full],
  example: { name: 'a' },
})

const asked = (name: string) => ({ id: 'id', input: { name } })
const accepted = (body: object, status?: number) => ({
  kind: 'accepted' as const,
  body: body as Record<string, unknown>,
  ...(status === undefined ? {} : { status }),
})
const refused = (problem: string, more: object = {}) => ({
  kind: 'refused' as const,
  problem,
  members: {},
  ...more,
})

describe('a rendered answer', () => {
  it('takes the first status that its contract declares, and says where the resource is', () => {
    const answer = renderAnswer(putOnShelf, asked('a'), accepted(example))

    expect(answer.status).toBe(201)
    expect(answer.headers).toEqual({
      'content-type': 'application/json; charset=utf-8',
      location: '/shelves/a',
      etag: '"1"',
    })
    expect(answer.body.toString()).toBe('{"name":"a","items":1}')
  })

  it('says where the resource is only when it was made', () => {
    const { headers } = renderAnswer(putOnShelf, asked('a'), accepted(example, 200))

    expect(Object.keys(headers)).toEqual(['content-type', 'etag'])
  })

  it('is a problem with its members and constants, under one of its statuses', () => {
    const { status, headers, body } = renderAnswer(
      putOnShelf,
      asked('a'),
      refused('shelf-full', { members: { free: 0 }, status: 412, location: '/shelves/b' }),
    )

    expect(status).toBe(412)
    expect(headers).toEqual({ 'content-type': 'application/problem+json', location: '/shelves/b' })
    expect(JSON.parse(body.toString())).toEqual({
      type: '/problems/shelf-full',
      title: 'the shelf is full',
      status: 412,
      code: 12,
      free: 0,
    })
  })

  it.each([
    ['a status', () => accepted(example, 202)],
    ['a problem', () => refused(unknown.name)],
    ['a status of a problem', () => refused('shelf-full', { status: 422 })],
  ])('is not made of %s that the contract does not declare', (_, outcome) => {
    expect(() => renderAnswer(putOnShelf, asked('a'), outcome())).toThrow(TypeError)
  })

  it.each(['a\r\nset-cookie: x=1', 'a\nb', 'a b', 'a\u0000', 'naïve', 'ключ'])(
    'never holds a header that text of the client would break: %j',
    (text) => {
      const place = () => renderAnswer(putOnShelf, asked(text), accepted(example))
      const tag = () => renderAnswer(putOnShelf, asked('a'), accepted({ items: text }))
      const inTheWay = () =>
        renderAnswer(putOnShelf, asked('a'), refused('shelf-full', { location: text }))

      expect(place).toThrow(TypeError)
      expect(tag).toThrow(TypeError)
      expect(inTheWay).toThrow(TypeError)
    },
  )
})
