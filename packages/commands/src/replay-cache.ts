import type { CommandId } from './command.ts'
import type { CommandRecord } from './store.ts'

/**
 * A copy of decided answers, asked before the command log and told after the commit.
 *
 * It may forget anything at any time and changes no outcome. Neither function ever throws or
 * rejects: a cache in trouble knows nothing.
 */
export interface ReplayCache {
  get(ids: readonly CommandId[]): Promise<Map<CommandId, CommandRecord>>
  put(records: readonly CommandRecord[]): void
}

/** Bounds of the in-process cache. */
export type ProcessCacheOptions = Readonly<{
  /** Answers kept, at most. Default 20,000. */
  entriesMax?: number
  /** Bytes of answers kept, at most, not counting the records around them. Default 32 MiB. */
  bytesMax?: number
}>

/** A replay cache in this process: the least recently used answer goes first. */
export function processReplayCache(options: ProcessCacheOptions = {}): ReplayCache {
  const { entriesMax = 20_000, bytesMax = 32 * 1024 * 1024 } = options
  // A Map iterates in the order of insertion: taken out and put back, an entry is the youngest.
  const entries = new Map<CommandId, CommandRecord>()
  let bytes = 0

  function remove(id: CommandId) {
    const record = entries.get(id)
    if (record !== undefined && entries.delete(id)) bytes -= sizeOf(record)
  }

  function add(record: CommandRecord) {
    remove(record.id)
    entries.set(record.id, record)
    bytes += sizeOf(record)
    for (const [oldest] of entries) {
      if (entries.size <= entriesMax && bytes <= bytesMax) break
      remove(oldest)
    }
  }

  return {
    async get(ids) {
      const found = new Map<CommandId, CommandRecord>()
      for (const id of ids) {
        const record = entries.get(id)
        if (record === undefined) continue
        entries.delete(id)
        entries.set(id, record)
        found.set(id, record)
      }
      return found
    },
    put(records) {
      for (const record of records) if (record.answer !== undefined) add(record)
    },
  }
}

function sizeOf({ answer }: CommandRecord): number {
  return answer?.body.length ?? 0
}
