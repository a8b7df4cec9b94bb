import type { Delivered } from './transport.ts'

/** Committed messages of one partition that a reader need not read, because it was handed them. */
export interface HandedMessages {
  /** Takes messages without gaps, behind those it has; false where it cannot or has no room. */
  add(messages: readonly Delivered[], readTo: number): boolean
  /** Gives up to a batch from a position on; none, and forgets all it has, if it lacks that one. */
  take(from: number): readonly Delivered[]
  /** Whether it has the message at a position, as the next one it would give. */
  goesOnAt(position: number): boolean
  /** How many it gives at once, at most. */
  readonly rowsMax: number
  /** The position behind the last one, 0 if there is none. */
  end(): number
  clear(): void
}

/** Makes an empty store of handed messages, which holds four batches at most. */
export function createHandedMessages(
  { rowsMax, bytesMax }: Readonly<{ rowsMax: number; bytesMax: number }> = {
    rowsMax: 256,
    bytesMax: 8 * 2 ** 20,
  },
): HandedMessages {
  const batchesMax = 4
  let held: Delivered[] = []
  let heldBytes = 0

  const end = () => (held.at(-1)?.position ?? -1) + 1
  const clear = () => {
    held = []
    heldBytes = 0
  }
  return {
    add(messages, readTo) {
      const first = messages[0]?.position ?? 0
      const isNext = messages.every(({ position }, index) => position === first + index)
      const fits = held.length + messages.length <= rowsMax * batchesMax
      const bytes = bytesOf(messages)
      if (!isNext || !fits || heldBytes + bytes > bytesMax) return false
      if (held.length === 0 ? first < readTo : first !== end()) return false
      held.push(...messages)
      heldBytes += bytes
      return true
    },
    take(from) {
      const start = held.findIndex(({ position }) => position >= from)
      if (start === -1 || held[start]!.position !== from) {
        clear()
        return []
      }
      const taken = held.slice(start, start + rowsMax)
      held = held.slice(start + rowsMax)
      heldBytes = bytesOf(held)
      return taken
    },
    goesOnAt: (position) => held.some((message) => message.position === position),
    rowsMax,
    end,
    clear,
  }
}

function bytesOf(messages: readonly Delivered[]): number {
  return messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
}
