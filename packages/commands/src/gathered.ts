import type { Timers } from './timers.ts'

/**
 * A look-up that is called for what was asked for in one turn of the event loop, together and once.
 * Beyond `batchSizeMax` the rest is another look-up.
 */
export function gathered<Id, Found>(
  lookUp: (ids: readonly Id[]) => Promise<ReadonlyMap<Id, Found>>,
  { timers, batchSizeMax }: Readonly<{ timers: Timers; batchSizeMax: number }>,
): (ids: readonly Id[]) => Promise<Map<Id, Found>> {
  let next: { ids: Set<Id>; found: Promise<ReadonlyMap<Id, Found>> } | undefined

  function gather() {
    const ids = new Set<Id>()
    const found = new Promise<void>((resolve) => timers.soon(resolve)).then(() => {
      if (next?.ids === ids) next = undefined
      return lookUp([...ids])
    })
    return { ids, found }
  }

  function add(id: Id): Promise<ReadonlyMap<Id, Found>> {
    if (next === undefined || next.ids.size >= batchSizeMax) next = gather()
    next.ids.add(id)
    return next.found
  }

  return async (ids) => {
    const known = new Map<Id, Found>()
    const asked = ids.map((id) => [id, add(id)] as const)
    for (const [id, coming] of asked) {
      const found = (await coming).get(id)
      if (found !== undefined) known.set(id, found)
    }
    return known
  }
}
