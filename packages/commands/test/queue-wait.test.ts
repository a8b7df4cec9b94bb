import { createExecutor, serviceScope } from '@semel/commands'
import { memoryAppend, memoryDatabase, memoryStore } from '@semel/commands/memory'
import { expect, it } from 'vitest'
import { add, addToCounter, counterDecider, memoryCounters } from './counter.ts'

it('turns a command away in time, without effect, though the batch before it still hangs', async () => {
  const store = memoryStore(memoryDatabase())
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>()
  const executor = createExecutor({
    store: {
      ...store,
      async transaction(work) {
        await thawed
        return store.transaction(work)
      },
    },
    repository: memoryCounters,
    decider: counterDecider,
    contracts: [addToCounter],
    append: memoryAppend,
    batchSizeMax: 1,
    queueWaitMaxMs: 20,
  })
  const scope = serviceScope('test')
  const running = executor.submit(add(scope, 'running', 1))

  const waiting = await Promise.all(['a', 'b'].map((key) => executor.submit(add(scope, key, 1))))
  thaw()

  expect(waiting).toMatchObject(Array(2).fill({ kind: 'unavailable', effect: 'none' }))
  expect(await running).toMatchObject({ kind: 'answered', replayed: false })
  expect(await executor.submit(add(scope, 'a', 1))).toMatchObject({ replayed: false })
})
