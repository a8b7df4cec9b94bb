import { openSession, type Pool, type Session } from '@semel/postgres'
import { backOffMs, type PartitionReader, type Place } from './partition-reader.ts'
import {
  type GroupPartition,
  prepareOwner,
  readPlaces,
  register,
  tryLocks,
  unlock,
} from './position-store.ts'
import { createPositionWriter, type PositionWriter } from './position-writer.ts'
import { type Recurring, recurring } from './recurring.ts'

/** Wants to read a partition for a group. `reader` is there while it may. */
export interface Claim extends GroupPartition {
  readonly open: (start: Place, commit: (place: Place) => void) => PartitionReader
  reader?: PartitionReader | undefined
}

/** Who in this process reads what. */
export interface Ownership {
  /** Takes a claim; its reader is opened as soon as nobody else reads. */
  add(claim: Claim): void
  /** Resolves when the readers of these have ended, their positions and locks are given back. */
  drop(claims: readonly Claim[]): Promise<void>
}

type Seat = Readonly<{ session: Session; writer: PositionWriter }>

type OwnershipOptions = Readonly<{
  pool: Pool
  /** Pause between two tries, in milliseconds. */
  everyMs: number
  report: (error: unknown) => void
  random: () => number
}>

/**
 * Makes an ownership over one session of a pool, which exists while there are claims: an advisory
 * lock for each group and partition, tried every `everyMs`. When the session is lost, so is all of
 * it; running batches are finished, and everything is claimed again. Two owners at once can happen
 * then, and harm nothing: positions only move forward.
 */
export function createOwnership(options: OwnershipOptions): Ownership {
  return new SessionOwnership(options)
}

class SessionOwnership implements Ownership {
  readonly #options: OwnershipOptions
  readonly #claims = new Set<Claim>()
  /** What is read in this process, by name: the session's lock does not tell its own apart. */
  readonly #held = new Map<string, Claim>()
  readonly #acquiring: Recurring
  #seat: Seat | undefined
  #failures = 0

  constructor(options: OwnershipOptions) {
    this.#options = options
    this.#acquiring = recurring(
      () => this.#acquire(),
      (error) => this.#failed(error),
    )
  }

  add(claim: Claim): void {
    this.#claims.add(claim)
    this.#acquiring.soon()
  }

  async drop(dropped: readonly Claim[]): Promise<void> {
    for (const claim of dropped) this.#claims.delete(claim)
    const reading = dropped.filter((claim) => this.#held.get(nameOf(claim)) === claim)
    const seat = this.#seat
    await Promise.all(reading.map((claim) => claim.reader?.stop()))
    // A session that was lost meanwhile has given its locks back already.
    if (seat !== undefined && seat === this.#seat && reading.length > 0) {
      await seat.writer.flush()
      await unlock(seat.session, reading).catch(seat.session.giveUp)
    }
    for (const claim of reading) this.#release(claim)
    if (this.#claims.size === 0) await this.#acquiring.now()
    else this.#acquiring.soon()
  }

  async #acquire(): Promise<number> {
    if (this.#claims.size === 0 && this.#held.size === 0) {
      this.#seat?.session.close()
      this.#seat = undefined
      return Infinity
    }
    this.#seat ??= await this.#takeSeat()
    const { session } = this.#seat
    // Also when nothing is wanted: a session that died silently is found out so.
    const got = await tryLocks(session, this.#wanted())
    if (got.length > 0) {
      await register(session, got)
      const places = await readPlaces(session, got)
      const over = got.filter((claim, index) => !this.#begin(claim, places[index]!, session))
      if (over.length > 0) await unlock(session, over)
    }
    this.#failures = 0
    return this.#options.everyMs
  }

  #failed(error: unknown): number {
    this.#failures += 1
    if (this.#seat === undefined) this.#options.report(error)
    else this.#seat.session.giveUp(error)
    return backOffMs(this.#failures, this.#options.random)
  }

  async #takeSeat(): Promise<Seat> {
    const session = await openSession(this.#options.pool)
    void session.lost.then((reason) => this.#leave(session, reason))
    try {
      await prepareOwner(session)
    } catch (error) {
      session.giveUp(error)
      throw error
    }
    return { session, writer: createPositionWriter(session) }
  }

  #wanted(): Claim[] {
    const wanted = new Map<string, Claim>()
    for (const claim of this.#claims) {
      const name = nameOf(claim)
      if (!this.#held.has(name) && !wanted.has(name)) wanted.set(name, claim)
    }
    return [...wanted.values()]
  }

  /** False when it is wanted no more, or no longer to be had. */
  #begin(claim: Claim, place: Place, session: Session): boolean {
    if (!this.#claims.has(claim) || this.#seat?.session !== session) return false
    const { writer } = this.#seat
    const { group, topic, partition } = claim
    const onReset = (other: Place) => claim.reader?.moveTo(other)
    const owner = { group, topic, partition, onReset }
    this.#held.set(nameOf(claim), claim)
    claim.reader = claim.open(place, (noted) => writer.note(owner, noted))
    return true
  }

  #leave(session: Session, reason: unknown): void {
    if (this.#seat?.session !== session) return
    this.#seat = undefined
    this.#options.report(reason)
    for (const claim of this.#held.values()) {
      void claim.reader?.stop().then(() => this.#release(claim))
    }
  }

  #release(claim: Claim): void {
    claim.reader = undefined
    if (this.#held.get(nameOf(claim)) === claim) this.#held.delete(nameOf(claim))
  }
}

function nameOf({ group, topic, partition }: GroupPartition): string {
  return JSON.stringify([group, topic, partition])
}
