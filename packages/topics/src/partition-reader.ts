import { setTimeout as timer } from 'node:timers/promises'
import { createHandedMessages, type HandedMessages } from './handed-messages.ts'
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
  /** See `ConsumeOptions`. Default 0. */
  batchIntervalMs?: number
  /** Of what is handed, at most so much is kept. Default 256 messages, 8 MiB. */
  limits?: Readonly<{ rowsMax: number; bytesMax: number }>
  wait?: Wait
  /** A number from 0 to 1, for jitter. */
  random?: () => number
}>

/** Reads one partition for one group. */
export interface PartitionReader {
  /**
   * There may be more. `handed`: some of it, committed, in its order: where that is what comes
   * next, it is not read again.
   */
  wake(handed?: readonly Delivered[]): void
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
 * Starts to read a partition: a batch is worked on while the next one, and no more, is read ahead,
 * unless it was handed over: of what is handed, four batches are kept at most.
 * What fails is tried again, with back-off and without end. A batch that a reset or `stop`
 * overtakes is finished once but not tried again.
 */
export function startPartitionReader(parts: ReaderParts): PartitionReader {
  return new ReadingLoop(parts)
}

class ReadingLoop implements PartitionReader {
  readonly #parts: ReaderParts
  readonly #ended: Promise<void>
  #place: Place
  #readTo: number
  #seenHead = 0
  #moved: Place | undefined
  #mayHaveMore = true
  #ahead: Promise<Page> | undefined
  readonly #handed: HandedMessages
  #interruption = new AbortController()
  #stopped = false
  #wakeUp = () => {}
  #batchDueMs = 0
  /** The last batch was as large as one can be: what is more waits for no interval. */
  #wasFull = false

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#place = parts.start
    this.#readTo = parts.start.position
    this.#handed = createHandedMessages(parts.limits)
    this.#ended = this.#run()
  }

  wake(handed?: readonly Delivered[]): void {
    if (handed === undefined || !this.#handed.add(handed, this.#readTo)) this.#mayHaveMore = true
    this.#wakeUp()
  }

  sawHead(next: number): boolean {
    // A head that was seen before is none: what is below it has been read, or was dropped.
    const known = Math.max(this.#readTo, this.#handed.end(), this.#seenHead)
    if (next <= known || this.#mayHaveMore) return false
    this.#seenHead = next
    this.wake()
    return true
  }

  moveTo(place: Place): void {
    if (place.generation <= (this.#moved ?? this.#place).generation) return
    this.#moved = place
    this.#interrupt()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#interrupt()
    await this.#ended
  }

  #interrupt(): void {
    this.#interruption.abort()
    this.#wakeUp()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#moved !== undefined) this.#startOver(this.#moved)
      if (this.#ahead === undefined && !this.#mayHaveMore && !this.#isHandedMore()) {
        await new Promise<void>((resolve) => {
          this.#wakeUp = resolve
        })
        continue
      }
      if (this.#ahead === undefined && !this.#wasFull) await this.#untilDue()
      const page = await this.#persist(() => this.#nextPage())
      if (page !== undefined && !this.#isOvertaken()) await this.#workOn(page.value)
    }
  }

  #startOver(place: Place): void {
    this.#place = place
    this.#readTo = place.position
    this.#moved = undefined
    this.#ahead = undefined
    this.#handed.clear()
    this.#mayHaveMore = true
    this.#interruption = new AbortController()
  }

  #isOvertaken(): boolean {
    return this.#stopped || this.#moved !== undefined
  }

  async #workOn({ messages, hasMore }: Page): Promise<void> {
    this.#mayHaveMore ||= hasMore
    const last = messages.at(-1)
    if (last === undefined) return
    const position = last.position + 1
    this.#readTo = position
    this.#wasFull = hasMore || messages.length >= this.#handed.rowsMax
    // Read ahead is what is there already; where more is waited for, that is read in its time.
    if (
      this.#mayHaveMore &&
      !this.#handed.goesOnAt(position) &&
      (hasMore || this.#intervalMs === 0)
    ) {
      this.#ahead = this.#readOn()
      // Whoever takes it is told; until then nobody listens.
      this.#ahead.catch(() => {})
    }
    const done = await this.#persist(() => this.#parts.onBatch(messages))
    if (done === undefined || this.#moved !== undefined) return
    this.#place = { ...this.#place, position }
    this.#parts.commit(this.#place)
  }

  #isHandedMore(): boolean {
    return this.#handed.end() > this.#readTo
  }

  get #intervalMs(): number {
    return this.#parts.batchIntervalMs ?? 0
  }

  async #untilDue(): Promise<void> {
    const { wait = waitByClock } = this.#parts
    const leftMs = this.#batchDueMs - performance.now()
    if (leftMs > 0) await wait(leftMs, this.#interruption.signal)
    this.#batchDueMs = performance.now() + this.#intervalMs
  }

  #nextPage(): Promise<Page> {
    const page = this.#ahead
    this.#ahead = undefined
    if (page !== undefined) return page
    const messages = this.#handed.take(this.#readTo)
    return messages.length === 0 ? this.#readOn() : Promise.resolve({ messages, hasMore: false })
  }

  /** A message that comes while this reads sets the flag again. */
  #readOn(): Promise<Page> {
    this.#mayHaveMore = false
    return this.#parts.read(this.#readTo)
  }

  /** Runs `work` until it succeeds; undefined when it was interrupted before. */
  async #persist<T>(work: () => Promise<T>): Promise<{ value: T } | undefined> {
    const { report, wait = waitByClock, random = Math.random } = this.#parts
    const { signal } = this.#interruption
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return { value: await work() }
      } catch (error) {
        report(error)
        await wait(backOffMs(failures, random), signal)
      }
    }
    return undefined
  }
}
