import type { Session } from '@semel/postgres'
import type { Place } from './partition-reader.ts'
import { advance, type GroupPartition } from './position-store.ts'

/** Whose place it is, and who is told when an operator has reset it. */
export type PlaceOwner = GroupPartition & Readonly<{ onReset(place: Place): void }>

/** Writes positions through one session. */
export interface PositionWriter {
  /** Takes a place to write. */
  note(owner: PlaceOwner, place: Place): void
  /**
   * Resolves when all that was noted so far is written, or the session is over: after two
   * statements at most, whatever is noted meanwhile.
   */
  flush(): Promise<void>
}

/** Every batch of every group notes a place, a hundred times a second and more under load. */
const pauseMs = 25

/**
 * Makes a writer: one statement travels at a time, with all places noted meanwhile, the last one of
 * each; the next one 25 ms later, unless somebody waits for it. A session that fails to write is
 * given up: its places are read again from the database.
 */
export function createPositionWriter(session: Session): PositionWriter {
  let noted = new Map<PlaceOwner, Place>()
  let writing: Promise<void> | undefined
  /** Who waits for what is noted, and for what is being written. */
  let flushed: (() => void)[] = []
  let written: (() => void)[] = []
  let endPause = () => {}

  async function pause(): Promise<void> {
    if (flushed.length > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, pauseMs)
    endPause = resolve
    await promise
    clearTimeout(timer)
  }

  async function writeAll(): Promise<void> {
    try {
      while (noted.size > 0) {
        const places = noted
        noted = new Map()
        written = flushed
        flushed = []
        const moves = [...places].map(([{ group, topic, partition }, place]) => {
          return { group, topic, partition, ...place }
        })
        for (const other of await advance(session, moves)) {
          for (const owner of places.keys()) if (isOf(owner, other)) owner.onReset(other)
        }
        for (const tell of written.splice(0)) tell()
        await pause()
      }
    } catch (error) {
      noted.clear()
      session.giveUp(error)
    }
    writing = undefined
    for (const tell of [...written.splice(0), ...flushed.splice(0)]) tell()
  }

  return {
    note(owner, place) {
      noted.set(owner, place)
      writing ??= writeAll()
    },
    flush() {
      if (writing === undefined) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      flushed.push(resolve)
      endPause()
      return promise
    },
  }
}

function isOf(owner: GroupPartition, { group, topic, partition }: GroupPartition): boolean {
  return owner.group === group && owner.topic === topic && owner.partition === partition
}
