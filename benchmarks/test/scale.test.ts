import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { assumptions, scaleOf, scaleTable } from '../src/scale.ts'

it('the table of docs/scale.md is what the arithmetic gives', async () => {
  const page = await readFile(new URL('../../docs/scale.md', import.meta.url), 'utf8')

  expect(page).toContain(`\n${scaleTable([1000, 10_000, 100_000])}\n`)
})

it('twice the orders need twice the log, and never fewer servers', () => {
  const [one, two] = [scaleOf(40_000), scaleOf(80_000)]

  expect(two.walMegabytes).toBeCloseTo(2 * one.walMegabytes)
  expect([one.postgresServers, two.postgresServers]).toEqual([2, 4])
})

it('what is remembered for less time takes less room; what is kept for ever does not', () => {
  const short = { ...assumptions, rememberedDays: 8, messagesDays: 1 }
  const [usual, shorter] = [scaleOf(1000), scaleOf(1000, short)]

  expect(shorter.standingTerabytes).toBeLessThan(usual.standingTerabytes / 3)
  expect(shorter.keptTerabytesADay).toBe(usual.keptTerabytesADay)
})
