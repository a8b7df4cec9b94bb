import { createReporter } from '@semel/runtime'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const printed: unknown[][] = []

beforeEach(() => {
  printed.length = 0
  vi.spyOn(console, 'error').mockImplementation((...args) => void printed.push(args))
})
afterEach(() => void vi.restoreAllMocks())

function withCode(message: string, options?: ErrorOptions): Error {
  return Object.assign(new Error(message, options), { code: 'ECONNREFUSED' })
}

test('what the world does is one line, with its causes', () => {
  const refused = withCode('connect refused')
  const many = Object.assign(new AggregateError([refused], 'no broker'), { code: 'X' })

  createReporter('orders')(withCode('Kafka is away', { cause: many }))

  expect(printed).toEqual([['orders:', 'Kafka is away: no broker: connect refused']])
})

test('a bug is told whole, wherever it is in the chain', () => {
  const bug = withCode('a batch failed', { cause: new TypeError('no such thing') })

  createReporter('orders')(bug)

  expect(printed).toEqual([['orders:', bug]])
})

test('the same is told once a second', () => {
  const report = createReporter('orders')

  for (let n = 0; n < 5; n += 1) report(withCode('away'))
  report(withCode('back, and away again'))

  expect(printed).toHaveLength(2)
})
