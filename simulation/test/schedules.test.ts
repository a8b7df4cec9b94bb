import { describe, expect, it } from 'vitest'
import { mutants } from '../src/mutants.ts'
import { checkSeed, firstFailure } from '../src/seeds.ts'
import { runSeedsOnThreads } from '../src/seeds-pool.ts'

describe('the simulation', () => {
  it('keeps every invariant in a thousand schedules', async () => {
    const { schedules, failures } = await runSeedsOnThreads({ from: 1, count: 1000, threads: 2 })

    expect(failures).toEqual([])
    expect(schedules).toBe(1000)
  })

  it('replays a seed exactly, in whichever process and after whatever else', async () => {
    const range = { from: 5001, count: 300 }

    const [once, again] = await Promise.all([
      runSeedsOnThreads({ ...range, threads: 1 }),
      runSeedsOnThreads({ ...range, threads: 2 }),
    ])

    const sorted = ({ hashes }: typeof once) =>
      [...hashes].toSorted(([one], [other]) => one - other)
    expect(sorted(again)).toEqual(sorted(once))
    expect(new Set(once.hashes.values()).size).toBe(300)
  })

  it('prints the steps of a schedule in the order that its hash is made of', async () => {
    const [steps, again]: string[][] = [[], []]

    const first = await checkSeed(3, { onTrace: (line) => steps!.push(line) })
    const second = await checkSeed(3, { onTrace: (line) => again!.push(line) })

    expect(again).toEqual(steps)
    expect(second.hash).toBe(first.hash)
    expect(steps).toContain('1 world: client')
  })
})

describe('a deliberate bug', () => {
  it.each(Object.keys(mutants))('is found: %s', async (name) => {
    const failure = await firstFailure({ from: 1, count: 600 }, mutants[name]!)

    expect(failure?.violations[0]).toMatch(/^I\d+ /)
  })
})
