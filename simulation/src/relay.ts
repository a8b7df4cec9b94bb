import type { Message } from '@semel/commands'
import type { Transport } from '@semel/topics'
import type { Surroundings } from './commits.ts'
import type { Life } from './scheduler.ts'
import type { Database } from './services.ts'

/** Carries what one database tells to the transport, at least once and in order per key. */
export interface Relay {
  readonly life: Life
  /** Looks for what was told; nothing happens while it is at work. */
  look(): void
}

/**
 * Starts a relay. It sends, and then takes note of what it sent: a crash in between sends it again.
 * What is told under one key is sent in its order; other keys may overtake it.
 */
export function startRelay(
  { messages, outbox, services }: Database,
  transport: Pick<Transport, 'publish'>,
  { scheduler, random, faults }: Surroundings,
): Relay {
  const life: Life = { alive: true, name: `relay of ${services[0]}` }
  let isAtWork = false

  async function work(): Promise<void> {
    for (;;) {
      outbox.left.push(...messages.slice(outbox.taken))
      outbox.taken = messages.length
      if (outbox.left.length === 0) break
      const chosen = choose(outbox.left)
      await scheduler.step(life, 'send')
      await transport.publish(chosen)
      await scheduler.step(life, 'sent')
      if (random.chance(faults().republishRate)) continue
      const sent = new Set(chosen)
      outbox.left = outbox.left.filter((message) => !sent.has(message))
    }
    isAtWork = false
  }

  function choose(left: readonly Message[]): readonly Message[] {
    if (!faults().reorders) return left.slice(0, 1 + random.below(4))
    const { topic, partitionKey } = random.pick(left)
    const isFirst = (one: Message) => one.topic === topic && one.partitionKey === partitionKey
    return [left.find(isFirst)!]
  }

  return {
    life,
    look() {
      const isIdle = outbox.taken === messages.length && outbox.left.length === 0
      if (isAtWork || isIdle || !life.alive) return
      isAtWork = true
      void work()
    },
  }
}
