import { openSession, type Pool, type Session } from '@semel/postgres'
import { backOffMs, type PartitionReader, type Place } from './partition-reader.ts'
import {
  commitWithoutWaiting,
  type GroupPartition,
  readPlaces,
  register,
  tryLocks,
  unlock,
} from './position-store.ts'
import { createPositionWriter, type PositionWriter } from './position-writer.ts'
import { recurring } from './recurring.ts'

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

/**
 * Makes an ownership over one session of a pool, which exists while there are claims: an advisory
 * lock for each group and partition, tried every `everyMs`. When the session is lost, so is all of
 * it; running batches are finished, and everything is claimed again. Two owners at once can happen
 * then, and harm nothing: positions only move forward.
 */
export function createOwnership(
  options: Readonly<{
    pool: Pool
    everyMs: number
    report: (error: unknown) => void
    random: () => number
  }>,
): Ownership {
  const { pool, everyMs, report, random } = options
  const claims = new Set<Claim>()
  /** What is read in this process, by name: the session's lock does not tell its own apart. */
  const held = new Map<string, Claim>()
  let seat: Seat | undefined
  let failures = 0

  const acquiring = recurring(acquire, (error) => {
    failures += 1
    if (seat === undefined) report(error)
    else seat.session.giveUp(error)
    return backOffMs(failures, random)
  })

  async function acquire(): Promise<number> {
    if (claims.size === 0 && held.size === 0) {
      seat?.session.close()
      seat = undefined
      return Infinity
    }
    seat ??= await takeSeat()
    const { session } = seat
    const got = await tryLocks(session, wantedOf(claims, held))
    if (got.length > 0) {
      await register(session, got)
      const places = await readPlaces(session, got)
      const over = got.filter((claim, index) => !begin(claim, places[index]!, session))
      if (over.length > 0) await unlock(session, over)
    }
    failures = 0
    return everyMs
  }

  async function takeSeat(): Promise<Seat> {
    const session = await openSession(pool)
    void session.lost.then((reason) => leave(session, reason))
    await commitWithoutWaiting(session).catch((error: unknown) => {
      session.giveUp(error)
      throw error
    })
    return { session, writer: createPositionWriter(session) }
  }

  /** False when it is wanted no more, or no longer to be had. */
  function begin(claim: Claim, place: Place, session: Session): boolean {
    if (!claims.has(claim) || seat?.session !== session) return false
    const { writer } = seat
    const owner = {
      group: claim.group,
      topic: claim.topic,
      partition: claim.partition,
      onReset: (other: Place) => claim.reader?.moveTo(other),
    }
    held.set(nameOf(claim), claim)
    claim.reader = claim.open(place, (noted) => writer.note(owner, noted))
    return true
  }

  function leave(session: Session, reason: unknown): void {
    if (seat?.session !== session) return
    seat = undefined
    report(reason)
    for (const claim of held.values()) {
      void claim.reader?.stop().then(() => release(claim))
    }
  }

  function release(claim: Claim): void {
    claim.reader = undefined
    if (held.get(nameOf(claim)) === claim) held.delete(nameOf(claim))
  }

  return {
    add(claim) {
      claims.add(claim)
      acquiring.soon()
    },
    async drop(dropped) {
      for (const claim of dropped) claims.delete(claim)
      const reading = dropped.filter((claim) => held.get(nameOf(claim)) === claim)
      const before = seat
      await Promise.all(reading.map((claim) => claim.reader?.stop()))
      // A session that was lost meanwhile has given its locks back already.
      if (before !== undefined && before === seat && reading.length > 0) {
        await before.writer.flush()
        await unlock(before.session, reading).catch(before.session.giveUp)
      }
      for (const claim of reading) release(claim)
      if (claims.size === 0) await acquiring.now()
      else acquiring.soon()
    },
  }
}

function wantedOf(claims: ReadonlySet<Claim>, held: ReadonlyMap<string, Claim>): Claim[] {
  const wanted = new Map<string, Claim>()
  for (const claim of claims) {
    const name = nameOf(claim)
    if (!held.has(name) && !wanted.has(name)) wanted.set(name, claim)
  }
  return [...wanted.values()]
}

function nameOf({ group, topic, partition }: GroupPartition): string {
  return JSON.stringify([group, topic, partition])
}
