import {
  type Command,
  createExecutor,
  type Executor,
  type Outcome,
  processReplayCache,
  type SubmitOptions,
} from '@semel/commands'
import { memoryAppend } from '@semel/commands/memory'
import * as catalogue from '@semel/contracts/catalogue'
import { type DeadLetters, declaredTypes, memoryDeadLetters, startConsumer } from '@semel/topics'
import type { MemoryLog } from '@semel/topics/memory'
import { remoteStore, retryAsPostgres, type Surroundings } from './commits.ts'
import type { Mutation } from './mutation.ts'
import type { Topics } from './process.ts'
import type { Life } from './scheduler.ts'
import type { AnyDecider, Database, ServiceParts } from './services.ts'
import { watchedDecider } from './watched-decider.ts'

/** What a client gets of a process: an outcome, an error 500, or a broken connection. */
export type Reply = Outcome | Readonly<{ kind: 'failed' | 'broken' }>

/** What a service is started with in a process. */
export type ServiceOptions = Readonly<{
  parts: ServiceParts
  topics: Topics
  database: Database
  log: MemoryLog
  near: Surroundings
  mutation: Mutation
  clock: () => Date
  /** Whether a bug that is there for now breaks this command. */
  isPoisoned: (command: Command) => boolean
}>

/** A service in a process: what it has in memory, and how it loses it. */
export interface RunningService {
  readonly life: Life
  submit(command: Command, options: SubmitOptions): Promise<Reply>
  crash(): void
}

const declared = declaredTypes(catalogue)

/** Starts production's executor and consumer over ports where every wait is the scheduler's. */
export function startService(options: ServiceOptions, life: Life): RunningService {
  const { parts, log, near } = options
  const executor = makeExecutor(options, life)
  const before = new Set(log.consumers)
  startConsumer({
    transport: deliveringTransport(options, life),
    group: parts.name,
    subscriptions: parts.subscriptions,
    declared,
    executor,
    deadLetters: remoteLetters(options, life),
    batchSizeMax: near.faults().batchSizeMax,
    clock: options.clock,
    timers: near.scheduler.timersOf(life),
  })
  const consumer = [...log.consumers].find((one) => !before.has(one))
  const waiting = new Set<(reply: Reply) => void>()
  return {
    life,
    submit(command, submitted) {
      return new Promise((resolve) => {
        waiting.add(resolve)
        const end = (reply: Reply) => {
          waiting.delete(resolve)
          resolve(reply)
        }
        executor.submit(command, submitted).then(end, () => end({ kind: 'failed' }))
      })
    },
    crash() {
      life.alive = false
      for (const resolve of waiting) resolve({ kind: 'broken' })
      if (consumer !== undefined) {
        log.consumers.delete(consumer)
        for (const [name, owner] of log.owners) if (owner === consumer) log.owners.delete(name)
      }
    },
  }
}

function makeExecutor(options: ServiceOptions, life: Life): Executor {
  const { parts, database, topics, near, mutation, clock } = options
  const { scheduler, happened } = near
  const { isCached, replayableMs } = near.faults()
  const cache = isCached ? processReplayCache({ entriesMax: 64 }) : undefined
  const store = remoteStore(database, life, near, mutation.retry ?? retryAsPostgres)
  const { told, transport } = topics
  const toOutbox = told === undefined ? memoryAppend : transport.append
  const append = mutation.append?.(toOutbox, { database, topics }) ?? toOutbox
  const watched = watchedDecider(parts.name, parts.decider, happened)
  const decider = mutation.decider?.(parts.name, watched) ?? watched
  return createExecutor({
    store: mutation.store?.(store, cache) ?? store,
    repository: parts.repository,
    decider: breakable(decider, options.isPoisoned),
    contracts: parts.contracts,
    append,
    ...(told === undefined ? {} : { told }),
    source: parts.name,
    ...(parts.announce === undefined ? {} : { announce: parts.announce }),
    ...(cache === undefined ? {} : { cache }),
    replayableMs,
    batchSizeMax: near.faults().batchSizeMax,
    clock,
    timers: scheduler.timersOf(life),
  })
}

function breakable(inner: AnyDecider, isPoisoned: (command: Command) => boolean): AnyDecider {
  return {
    aggregateId: (command) => inner.aggregateId(command),
    decide(state, command) {
      if (isPoisoned(command)) throw new Error('a bug that will be mended')
      return inner.decide(state, command)
    },
  }
}

/** The transport: batches come late and twice, and there is a step before a position is kept. */
function deliveringTransport(
  { topics: { transport, saw }, near, mutation }: ServiceOptions,
  life: Life,
) {
  const { scheduler, random, faults, happened } = near
  return {
    consume(...[group, topics, onBatch, options]: Parameters<typeof transport.consume>) {
      const work = mutation.onBatch?.(onBatch) ?? onBatch
      const again = async (batch: Parameters<typeof onBatch>[0]) => {
        await scheduler.delay(life, 'deliver again', random.below(30))
        // A zombie: what it could not do is done by the one that owns the partition now.
        await onBatch(batch).catch(() => {})
      }
      return transport.consume(
        group,
        topics,
        async (batch) => {
          saw(batch)
          const { deliveryDelayMax } = faults()
          if (deliveryDelayMax > 0) {
            await scheduler.delay(life, 'deliver', random.below(deliveryDelayMax + 1))
          }
          if (random.chance(faults().redeliveryRate)) {
            happened('batch delivered again while it was worked on')
            void again(batch)
          }
          await work(batch)
          await scheduler.step(life, 'position')
        },
        options,
      )
    },
  }
}

/** Dead letters over a network: a step before each call, and one before the reply to a change. */
function remoteLetters({ database, near, mutation }: ServiceOptions, life: Life): DeadLetters {
  const { scheduler, happened } = near
  const stored = memoryDeadLetters(database)
  const inner = mutation.deadLetters?.(stored) ?? stored
  const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    await scheduler.step(life, name)
    const value = await work()
    await scheduler.step(life, `${name} done`)
    return value
  }
  return {
    ...inner,
    standing: (...asked) => inner.standing(...asked),
    park: (group, letters, at) =>
      call('park', () => {
        for (const { reason } of letters) {
          if (reason === 'behind-parked') happened('follower parked behind')
          else if (reason === 'failed') happened('poisoned command parked')
          else happened('undecodable message parked')
        }
        return inner.park(group, letters, at)
      }),
    async keysToRedrive(group, max) {
      await scheduler.step(life, 'keys to redrive')
      return inner.keysToRedrive(group, max)
    },
    async lettersOf(group, key, max) {
      await scheduler.step(life, 'letters')
      return inner.lettersOf(group, key, max)
    },
    settle: (group, end) =>
      call('settle', () => {
        if (end.done.length > 0) happened('parked and redriven')
        if (end.failed !== undefined) happened('redriven before it was mended')
        return inner.settle(group, end)
      }),
  }
}
