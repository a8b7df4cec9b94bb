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

  return async (ids) => {
    if (next === undefined || next.ids.size + ids.length > batchSizeMax) next = gather()
    const { ids: all, found } = next
    for (const id of ids) all.add(id)
    const known = await found
    return new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)!] as const] : [])))
  }
}
