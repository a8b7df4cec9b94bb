import { startSweeper, sweepCommands, sweepInBatches } from '@semel/commands'
import { expect, it, onTestFinished, vi } from 'vitest'

const dayMs = 24 * 60 * 60 * 1000
const now = new Date('2026-06-01T00:00:00Z')

it('forgets after 30 days, and later what is needed longer', async () => {
  const asked: Date[] = []
  const store = {
    async sweep({ decidedBefore }: { decidedBefore: Date }) {
      asked.push(decidedBefore)
      return { answers: 0, tombstones: 0 }
    },
  }
  const daysAgo = (days: number) => new Date(now.getTime() - days * dayMs)

  await sweepCommands(store, { clock: () => now })
  await sweepCommands(store, { clock: () => now, neededSince: daysAgo(45) })
  await sweepCommands(store, { clock: () => now, neededSince: daysAgo(3) })

  expect(asked).toEqual([daysAgo(30), daysAgo(45), daysAgo(30)])
})

it('sweeps until a batch is not full, so many at most, and none when it is told to end', async () => {
  const batches = [10, 10, 3, 10]
  const pace = { batchSizeMax: 10, pauseMs: 0 }
  const sweepBatch = async () => batches.shift()!

  expect(await sweepInBatches(sweepBatch, { ...pace, batchesMax: 1 })).toBe(10)
  expect(await sweepInBatches(sweepBatch, pace)).toBe(13)
  expect(await sweepInBatches(sweepBatch, pace, AbortSignal.abort())).toBe(0)
  expect(batches).toEqual([10])
})

it('sweeps one after another, again and again; one that fails holds up no other', async () => {
  const swept: string[] = []
  const report = vi.fn()
  const sweepOf = (name: string, fails: boolean) => async () => {
    swept.push(`${name} begins`)
    await new Promise(setImmediate)
    swept.push(`${name} ends`)
    if (fails) throw new Error(name)
  }
  const sweeps = [sweepOf('one', true), sweepOf('two', false)]

  const { stop } = startSweeper(sweeps, { everyMs: 1, report })
  onTestFinished(stop)
  await vi.waitFor(() => expect(swept.length).toBeGreaterThan(7))
  await stop()
  const count = swept.length

  const round = ['one begins', 'one ends', 'two begins', 'two ends']
  expect(swept.slice(0, 8)).toEqual([...round, ...round])
  expect(report).toHaveBeenCalledWith(new Error('one'))
  await new Promise(setImmediate)
  expect(swept).toHaveLength(count)
})

it('ends early, and only when the sweep at hand has ended', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  const second = vi.fn(async () => {})
  let ended = false
  const first = async (signal: AbortSignal) => {
    begun.resolve(signal)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await new Promise(setImmediate)
    ended = true
  }

  const { stop } = startSweeper([first, second], { everyMs: 1 })
  await begun.promise
  await stop()

  expect(ended).toBe(true)
  expect(second).not.toHaveBeenCalled()
})
