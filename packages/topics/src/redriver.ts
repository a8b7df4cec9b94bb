import type { Executor, Timer, Timers } from '@semel/commands'
import type { DeadLetters, LetterKey } from './dead-letters.ts'
import { decideInOrder } from './decide-in-order.ts'
import type { Judged } from './judge.ts'
import type { Delivered } from './transport.ts'

/** What redrives the letters of a group. */
export type RedriverOptions<Tx> = Readonly<{
  group: string
  executor: Pick<Executor<Tx>, 'submitCarried'>
  deadLetters: DeadLetters<Tx>
  judge: (message: Delivered) => Judged
  report: (error: unknown) => void
  intervalMs: number
  timers: Timers
}>

/** Keys that are looked for at once. */
const keysMax = 64
/** Letters that are tried at once: few, because a body may have been parked for being too large. */
const lettersMax = 32

/**
 * Starts to look, once in a while and when woken, for letters to be redriven, and tries them again:
 * key by key, in order, up to the first that fails again.
 *
 * No lock is held over a key while its letters are decided. Several processes of a group may
 * redrive one key at once, and its new messages may come in meanwhile, without harm: each submits a
 * key's letters from the first one on and in one submission, so that none is decided before those
 * that it follows have been, by whomever; the command log makes each take effect once; and a letter
 * is deleted only after it was decided. Who decides it takes it in the same transaction, so that an
 * operator can discard it before or not at all. What is parked behind a key that is just being
 * emptied is judged under a row lock by the store (`park`): it waits behind what is there, or is
 * looked at again. A lock held instead would keep a transaction open over other transactions, on a
 * second connection of the same pool.
 */
export function startRedriver<Tx>(options: RedriverOptions<Tx>): {
  /** Looks now. */
  wake(): void
  stop(): Promise<void>
} {
  const { group, deadLetters, intervalMs, report, timers } = options
  let stopped = false
  let timer: Timer
  let running: Promise<void> | undefined

  async function pass(): Promise<void> {
    for (const key of await deadLetters.keysToRedrive(group, keysMax)) {
      // What holds one key up for now does not hold up the others.
      await drain(key).catch(report)
    }
  }

  async function drain(key: LetterKey): Promise<void> {
    while (!stopped && (await redriveSome(options, key)));
  }

  function look(): void {
    if (stopped || running !== undefined) return
    timer.cancel()
    running = pass()
      .catch(report)
      .finally(() => {
        running = undefined
        if (!stopped) timer = timers.after(look, intervalMs)
      })
  }

  timer = timers.after(look, intervalMs)
  return {
    wake: look,
    async stop() {
      stopped = true
      timer.cancel()
      await running
    },
  }
}

/** Redrives the first letters of a key. Whether there may be more to do under it. */
async function redriveSome<Tx>(options: RedriverOptions<Tx>, key: LetterKey): Promise<boolean> {
  const { group, executor, deadLetters, judge } = options
  const letters = await deadLetters.lettersOf(group, key, lettersMax)
  if (letters.length === 0) return false
  const messages = letters.map(({ message }) => ({ message, judged: judge(message) }))
  const ids = letters.map(({ id }) => id)
  const fates = await decideInOrder(executor, messages, async (tx) => {
    const taken = await deadLetters.take(tx, group, ids)
    const known = new Set(ids.filter((id) => !taken.has(id)))
    return { fronts: new Map(), known, redriveWanted: false }
  })
  const stoppedAt = fates.findIndex(({ kind }) => kind === 'parked')
  const done = ids.filter(
    (_, at) => (stoppedAt === -1 || at < stoppedAt) && fates[at]!.kind !== 'aside',
  )
  const fate = fates[stoppedAt]
  if (fate?.kind !== 'parked') {
    if (done.length > 0) await deadLetters.settle(group, { done })
    return done.length > 0
  }
  const { reason, detail } = fate
  await deadLetters.settle(group, { done, failed: { id: letters[stoppedAt]!.id, reason, detail } })
  return false
}
