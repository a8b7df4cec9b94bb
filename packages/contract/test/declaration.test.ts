import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { command, event, problem, problemBody, query, validate } from '../src/index.ts'

const answer = { description: 'Done.', body: Type.Object({}), example: {} }
const declaration = {
  operation: 'try-it',
  summary: 'Try it',
  method: 'PUT',
  path: '/things/{id}',
  params: { id: Type.String() },
  resource: () => '/things',
  accepted: [{ status: 200, ...answer }],
  refusals: [],
  example: { id: 'a' },
} as const

describe('the contract of a command', () => {
  it('makes one closed object of path, query, body and If-Match', () => {
    const { input } = command({
      ...declaration,
      query: { version: Type.Optional(Type.Integer()) },
      body: { text: Type.String() },
      ifMatch: true,
    })

    expect(Object.keys(input.properties)).toEqual(['id', 'version', 'text', 'ifMatch'])
    expect(validate(input, { id: 'a', text: 'b' })).toEqual([])
    expect(validate(input, { id: 'a', text: 'b', colour: 'red' })).toHaveLength(1)
  })

  it('does not know If-Match unless it says so', () => {
    expect(validate(command(declaration).input, { id: 'a', ifMatch: ['"1"'] })).toHaveLength(1)
  })

  it.each([
    ['path and body', { body: { id: Type.String() } }],
    ['path and query', { query: { id: Type.String() } }],
    ['body and If-Match', { body: { ifMatch: Type.String() } }],
  ])('is refused when a name stands in %s', (_, more) => {
    expect(() => command({ ...declaration, ...more } as never)).toThrow(/names two parts/)
  })
})

describe('the contract of a query', () => {
  it('makes one closed object of its parameters', () => {
    const { input } = query({
      name: 'see-it',
      summary: 'See it',
      path: '/things/{id}',
      inPath: ['id'],
      parameters: { id: Type.String(), limit: Type.Optional(Type.Integer()) },
      answer,
      example: { id: 'a' },
    })

    expect(validate(input, { id: 'a', limit: 1 })).toEqual([])
    expect(validate(input, { id: 'a', other: 1 })).toHaveLength(1)
  })
})

describe('the contract of an event', () => {
  it('may grow: readers take members that they do not know', () => {
    const { body } = event({
      type: 'tried',
      summary: 'It was tried',
      topic: 'thing',
      partitionKey: ({ id }) => id,
      body: { id: Type.String() },
      example: { id: 'a' },
    })

    expect(validate(body, { id: 'a', later: 1 })).toEqual([])
  })
})

describe('the body of a problem', () => {
  it('has its page, title, status, constants and members', () => {
    const old = problem({
      name: 'too-old',
      title: 'too old',
      statuses: [409, 412],
      explanation: 'Be younger.',
      constants: { code: 3043 },
    })

    expect(problemBody(old, { age: 99 }, 412)).toEqual({
      type: '/problems/too-old',
      title: 'too old',
      status: 412,
      code: 3043,
      age: 99,
    })
    expect(problemBody(old).status).toBe(409)
    expect(old.recorded).toBe(false)
  })
})
