import { processTimers, serviceScope } from '@semel/commands'
import { expect, it } from 'vitest'
import { createBatcher } from '../src/batcher.ts'
import type { Verdict } from '../src/fold.ts'
import { type AddToCounter, add } from './counter.ts'

const limits = {
  batchSizeMax: 1,
  batchesMax: 1,
  queueMax: 9,
  queueWaitMaxMs: 5000,
  timers: processTimers,
}
const undecided: Verdict = { kind: 'undecided' }

/** Runs batches of one, and writes down what happens in which order. */
function batcherWithDiary(verdict: () => Promise<readonly Verdict[]> = async () => [undecided]) {
  const diary: string[] = []
  const batcher = createBatcher<AddToCounter>(async ([entry]) => {
    diary.push(`${entry!.command.key} runs`)
    return verdict()
  }, limits)
  const ask = async (key: string) => {
    const told = await batcher.add({ command: add(serviceScope('test'), key, 1), recall: false })
    diary.push(`${key} is told`)
    return told
  }
  return { batcher, diary, ask }
}

it('starts the next batch before the callers of the last are told', async () => {
  const { diary, ask } = batcherWithDiary()

  await Promise.all(['a', 'b'].map(ask))

  expect(diary).toEqual(['h:a runs', 'h:b runs', 'a is told', 'b is told'])
})

it('is closed when everybody it has taken was told, and not before', async () => {
  const { batcher, diary, ask } = batcherWithDiary()
  const asked = ['a', 'b'].map(ask)

  await batcher.close()
  diary.push('closed')
  await Promise.all(asked)

  expect(diary).toEqual(['h:a runs', 'h:b runs', 'a is told', 'b is told', 'closed'])
})

it('tells those who wait of a bug in a batch, and runs the next', async () => {
  const bug = new Error('a bug')
  const { diary, ask } = batcherWithDiary(() => Promise.reject(bug))

  const told = await Promise.all(['a', 'b'].map(ask))

  expect(told).toEqual(Array(2).fill({ kind: 'failed', error: bug }))
  expect(diary).toContain('h:b runs')
})
