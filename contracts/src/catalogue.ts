import type { AnyEventContract } from '@semel/contract'
import { chargeDecided } from './billing.ts'
import { commandTopics, deadLetteredOn, messageAnswered } from './messages.ts'
import { chargeWanted, notificationWanted } from './orders.ts'

export { commands } from './commands.ts'

/** Every event that services tell each other. A message of any other type is a dead letter. */
export const events: readonly AnyEventContract[] = [
  chargeWanted,
  chargeDecided,
  notificationWanted,
  messageAnswered,
  ...commandTopics.map(deadLetteredOn),
]

/** The entities that have a topic; letters of `<topic>_dead` that nobody reads are not listed. */
export const topics: readonly string[] = [...new Set(events.map(({ topic }) => topic))].sort()
