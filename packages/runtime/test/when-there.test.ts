import { expect, test } from 'vitest'
import { createLifecycle, Stopping } from '../src/lifecycle.ts'
import { StartError } from '../src/start-error.ts'
import { createWhenThere } from '../src/when-there.ts'

const comes = (message: string) => new StartError('not-migrated', message, { mayCome: true })
const stays = new StartError('database-unsuitable', 'too old')

test('work is done as soon as what it needs is there, and each reason is told once', async () => {
  const said: string[] = []
  const whenThere = createWhenThere({ waitMs: 60_000, say: (line) => said.push(line) })
  const reasons = ['no tables', 'no tables', 'no topics', 'no topics']

  const done = await whenThere(async () => {
    const reason = reasons.shift()
    if (reason !== undefined) throw comes(reason)
    return 'done'
  })

  expect(done).toBe('done')
  expect(said).toEqual(['waiting up to 60 s: no tables', 'waiting up to 60 s: no topics'])
})

test.each([
  ['can only be mended', 60_000, stays],
  ['may come, where nothing is waited for', 0, comes('no tables')],
])('what %s fails at once, and is told by its failure alone', async (_, waitMs, error) => {
  const said: string[] = []
  const whenThere = createWhenThere({ waitMs, say: (line) => said.push(line) })
  let tries = 0

  const failing = whenThere(async () => {
    tries += 1
    throw error
  })

  await expect(failing).rejects.toBe(error)
  expect([tries, said]).toEqual([1, []])
})

test('the time is one for all that is waited for, and the last failure stands', async () => {
  const whenThere = createWhenThere({ waitMs: 600, say: () => {} })
  const beganMs = performance.now()

  for (const reason of ['no database', 'no tables', 'no topics']) {
    const failing = whenThere(() => Promise.reject(comes(reason)))
    await expect(failing).rejects.toThrow(reason)
  }

  expect(performance.now() - beganMs).toBeLessThan(1_000)
})

test('a stop ends the wait at once, and what was waited for is not tried again', async () => {
  let tries = 0
  const lifecycle = createLifecycle({ waitMs: 3_600_000, say: () => void lifecycle.stop() })

  const waiting = lifecycle.whenThere(async () => {
    tries += 1
    throw comes('no tables')
  })

  await expect(waiting).rejects.toBeInstanceOf(Stopping)
  expect(tries).toBe(1)
})
