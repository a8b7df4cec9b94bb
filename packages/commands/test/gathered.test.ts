import { processTimers } from '@semel/commands'
import { describe, expect, it } from 'vitest'
import { gathered } from '../src/gathered.ts'

function squares(batchSizeMax = 10) {
  const asked: (readonly number[])[] = []
  const lookUp = async (ids: readonly number[]) => {
    asked.push(ids)
    return new Map(ids.filter((id) => id > 0).map((id) => [id, id * id]))
  }
  return { asked, get: gathered(lookUp, { timers: processTimers, batchSizeMax }) }
}

describe('gathered look-ups', () => {
  it('are one for all that is asked in one turn, and each gets its own', async () => {
    const { asked, get } = squares()

    const found = await Promise.all([get([1, 2]), get([2]), get([0, 3])])

    expect(found).toEqual([
      new Map([
        [1, 1],
        [2, 4],
      ]),
      new Map([[2, 4]]),
      new Map([[3, 9]]),
    ])
    expect(asked).toEqual([[1, 2, 0, 3]])
  })

  it('are another for what is asked in a later turn', async () => {
    const { asked, get } = squares()

    await get([1])
    await get([1])

    expect(asked).toEqual([[1], [1]])
  })

  it('never ask for more at once than they may', async () => {
    const { asked, get } = squares(2)

    const found = await Promise.all([1, 2, 3, 4, 5].map((id) => get([id])))

    expect(found.map((map) => [...map.values()])).toEqual([[1], [4], [9], [16], [25]])
    expect([...(await get([6, 7, 8])).values()]).toEqual([36, 49, 64])
    expect(asked).toEqual([[1, 2], [3, 4], [5], [6, 7], [8]])
  })
})
