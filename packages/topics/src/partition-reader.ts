import { setTimeout as timer } from 'node:timers/promises'
import type { Delivered } from './transport.ts'

/** How far a group has read a partition: all below `position`; `generation` counts the resets. */
export type Place = Readonly<{ position: number; generation: number }>

/** Messages in their order, and whether more were there when they were read. */
export type Page = Readonly<{ messages: readonly Delivered[]; hasMore: boolean }>

/** Waits, or less when the signal aborts; never rejects. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>

/** What a reader is made of. */
export type ReaderParts = Readonly<{
  start: Place
  read(from: number): Promise<Page>
  /** Takes note of a place; writes it when it can. Never throws. */
  commit(place: Place): void
  onBatch(batch: readonly Delivered[]): Promise<void>
  report(error: unknown): void
  wait?: Wait
  /** A number from 0 to 1, for jitter. */
  random?: () => number
}>

/** Reads one partition for one group. */
export interface PartitionReader {
  /** There may be more. */
  wake(): void
  /** Says where the partition ends. True when that is news. */
  sawHead(next: number): boolean
  /** Goes on from another place, if its generation is newer. */
  moveTo(place: Place): void
  /** Resolves when no batch is being worked on; none starts after. */
  stop(): Promise<void>
}

const backOffMinMs = 50
const backOffMaxMs = 5000

/** Waits by the clock. */
export const waitByClock: Wait = (ms, signal) => timer(ms, undefined, { signal }).catch(() => {})

/** How long to wait after the given number of failures in a row: 50 ms to 5 s, with jitter. */
export function backOffMs(failures: number, random: () => number): number {
  const full = Math.min(backOffMaxMs, backOffMinMs * 2 ** Math.min(failures - 1, 10))
  return full * (0.5 + random() / 2)
}

/**
 * Starts to read a partition: a batch is worked on while the next one, and no more, is read ahead.
 * What fails is tried again, with back-off and without end. A batch that a reset or `stop`
 * overtakes is finished once but not tried again.
 */
export function startPartitionReader(parts: ReaderParts): PartitionReader {
  const { read, commit, onBatch, report, wait = waitByClock, random = Math.random } = parts
  let place = parts.start
  let readTo = place.position
  let moved: Place | undefined
  let mayHaveMore = true
  let ahead: Promise<Page> | undefined
  let interruption = new AbortController()
  let stopped = false
  let wakeUp = () => {}

  const interrupt = () => {
    interruption.abort()
    wakeUp()
  }
  const wake = () => {
    mayHaveMore = true
    wakeUp()
  }

  /** Runs `work` until it succeeds; undefined when it was interrupted before. */
  async function persist<T>(work: () => Promise<T>): Promise<{ value: T } | undefined> {
    for (let failures = 1; !interruption.signal.aborted; failures += 1) {
      try {
        return { value: await work() }
      } catch (error) {
        report(error)
        await wait(backOffMs(failures, random), interruption.signal)
      }
    }
    return undefined
  }

  /** Also lower what is known of the end: a message that comes while this reads sets it again. */
  function readOn(): Promise<Page> {
    mayHaveMore = false
    return read(readTo)
  }

  function nextPage(): Promise<Page> {
    const page = ahead ?? readOn()
    ahead = undefined
    return page
  }

  async function workOn({ messages, hasMore }: Page): Promise<void> {
    mayHaveMore ||= hasMore
    const last = messages.at(-1)
    if (last === undefined) return
    readTo = last.position + 1
    if (mayHaveMore) {
      ahead = readOn()
      ahead.catch(() => {})
    }
    const done = await persist(() => onBatch(messages))
    if (done === undefined || moved !== undefined) return
    place = { ...place, position: last.position + 1 }
    commit(place)
  }

  async function run(): Promise<void> {
    while (!stopped) {
      if (moved !== undefined) {
        place = moved
        readTo = place.position
        moved = undefined
        ahead = undefined
        mayHaveMore = true
        interruption = new AbortController()
      }
      if (ahead === undefined && !mayHaveMore) {
        await new Promise<void>((resolve) => {
          wakeUp = resolve
        })
        continue
      }
      const page = await persist(nextPage)
      if (page !== undefined && moved === undefined && !stopped) await workOn(page.value)
    }
  }

  const ended = run()
  return {
    wake,
    sawHead(next) {
      if (next <= readTo || mayHaveMore) return false
      wake()
      return true
    },
    moveTo(other) {
      if (other.generation <= (moved ?? place).generation) return
      moved = other
      interrupt()
    },
    async stop() {
      stopped = true
      interrupt()
      await ended
    },
  }
}
