import type { Command, Message, ReplayCache, Store } from '@semel/commands'
import type { MemoryTx } from '@semel/commands/memory'
import type { DeadLetters, Delivered } from '@semel/topics'
import type { Retry } from './commits.ts'
import type { Topics } from './process.ts'
import type { AnyDecider, Database, ServiceName } from './services.ts'

type OnBatch = (batch: readonly Delivered[]) => Promise<void>
type Append = (tx: MemoryTx, messages: readonly Message[]) => Promise<void>

/**
 * A deliberate bug: something put around a port or a decider of the product. What is left out stays
 * as it is.
 */
export type Mutation = Partial<
  Readonly<{
    command: (command: Command) => Command
    retry: Retry
    store: (store: Store<MemoryTx>, cache: ReplayCache | undefined) => Store<MemoryTx>
    append: (append: Append, to: Readonly<{ database: Database; topics: Topics }>) => Append
    onBatch: (onBatch: OnBatch) => OnBatch
    decider: (name: ServiceName, decider: AnyDecider) => AnyDecider
    deadLetters: (letters: DeadLetters) => DeadLetters
  }>
>
