import { expect, it } from 'vitest'
import { notNow, retryAfter } from '../src/problems.ts'

it.each([
  [undefined, '1'],
  [0, '1'],
  [1, '1'],
  [1000, '1'],
  [1001, '2'],
  [59_000, '59'],
])('whoever has to wait %s ms is told %s s: never too few, and never none', (waitMs, seconds) => {
  expect(retryAfter(waitMs)).toEqual({ 'retry-after': seconds })
  expect(notNow('none', waitMs).headers).toEqual({ 'retry-after': seconds })
})
