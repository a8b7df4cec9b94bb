import type { Scope } from '@semel/commands'
import { expect, it } from 'vitest'
import { createQuotas } from '../src/quotas.ts'

const ann = '-/user:ann' as Scope
const bob = '-/user:bob' as Scope
const minute = 60_000

it('a caller has a burst, and then what the rate gives', () => {
  const quotas = createQuotas({ perMinute: 60, burst: 3 })
  const takeAt = (nowMs: number) => quotas.take(ann, 10, nowMs)

  const burst = [takeAt(0), takeAt(0), takeAt(0), takeAt(0)]
  const later = [takeAt(999), takeAt(1000), takeAt(1000), takeAt(3000), takeAt(3000)]

  expect(burst).toEqual([0, 0, 0, 1000])
  expect(later).toEqual([1, 0, 1000, 0, 0])
})

it('a burst is a minute of the rate where nobody said otherwise, and no pause makes it more', () => {
  const quotas = createQuotas({ perMinute: 7 })

  const taken = Array.from({ length: 8 }, () => quotas.take(ann, 10, 1000 * minute))

  expect(taken.slice(0, 7)).toEqual(Array(7).fill(0))
  expect(taken[7]).toBe(Math.ceil(minute / 7))
})

it('the time that a caller is told to wait is enough, at every rate', () => {
  for (const perMinute of [1, 7, 60, 601, 1_000_000]) {
    const quotas = createQuotas({ perMinute, burst: 1 })
    quotas.take(ann, 10, 1234.5)

    const waitMs = quotas.take(ann, 10, 1234.5)

    expect(waitMs, String(perMinute)).toBeGreaterThan(0)
    expect(quotas.take(ann, 10, 1234.5 + waitMs), String(perMinute)).toBe(0)
  }
})

it('what is refused takes nothing, however often it is tried', () => {
  const quotas = createQuotas({ perMinute: 60, burst: 1 })
  quotas.take(ann, 10, 0)

  for (let nowMs = 0; nowMs < 1000; nowMs += 1) quotas.take(ann, 10, nowMs)

  expect(quotas.take(ann, 10, 1000)).toBe(0)
})

it('what is given back can be taken again, and is never more than the burst', () => {
  const quotas = createQuotas({ perMinute: 60, burst: 1 })
  quotas.take(ann, 10, 0)

  quotas.giveBack(ann, 9)
  const soon = quotas.left(ann, 0)
  quotas.giveBack(ann, 1)
  quotas.giveBack(bob, 10)

  expect(soon).toBe(9)
  expect(quotas.left(ann, minute)).toBe(10)
  expect(quotas.left(bob, 0)).toBe(10)
})

it('callers take nothing from each other', () => {
  const quotas = createQuotas({ perMinute: 60, burst: 1 })
  quotas.take(ann, 10, 0)

  expect([quotas.take(ann, 10, 0), quotas.take(bob, 10, 0)]).toEqual([1000, 0])
})

it('of many callers the latest are remembered, and whoever asks again and again', () => {
  const quotas = createQuotas({ perMinute: 1, burst: 1, callersMax: 100 })
  const callers = Array.from({ length: 1e5 }, (_, caller) => `-/user:${caller}` as Scope)
  const grantedToAnn: number[] = []

  callers.forEach((caller, index) => {
    quotas.take(caller, 10, 0)
    if (index % 50 === 0 && quotas.take(ann, 10, 0) === 0) grantedToAnn.push(index)
  })

  expect(callers.filter((caller) => quotas.left(caller, 0) < 10)).toEqual(callers.slice(-99))
  expect(grantedToAnn).toEqual([0])
})
