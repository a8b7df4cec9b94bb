import type { ExecutorObserver } from '@semel/commands'
import type { Reason } from './dead-letters.ts'
import type { Fate } from './decide-in-order.ts'

/**
 * What became of a message: decided now, or known as decided before; parked; skipped, as its group
 * does nothing about its type; or left aside, as it is a dead letter already.
 */
export type MessageFate = Fate['kind']

/**
 * Told what a consumer does, to be counted. Called amid the work: it is quick, and never throws.
 */
export interface ConsumerObserver {
  /** A message was read, and is dealt with. */
  messageRead(topic: string, fate: MessageFate): void
  /** A message was parked, or was parked before and came again. */
  messageParked(topic: string, reason: Reason): void
}

/** Told what a service does that takes part in topics. */
export type ServiceObserver = ExecutorObserver & ConsumerObserver
