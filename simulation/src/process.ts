import type { Command, Message } from '@semel/commands'
import type { Delivered, PartitionCounts } from '@semel/topics'
import { type MemoryLog, type MemoryTransport, memoryTransport } from '@semel/topics/memory'
import type { Surroundings } from './commits.ts'
import type { Mutation } from './mutation.ts'
import type { Life } from './scheduler.ts'
import { type RunningService, startService } from './service-process.ts'
import type { Database, ServiceName, ServiceParts } from './services.ts'

/** What a process is started with. */
export type ProcessOptions = Readonly<{
  services: readonly ServiceParts[]
  /** Tells apart processes of the same services. */
  number: number
  database: Database
  log: MemoryLog
  partitions: PartitionCounts
  near: Surroundings
  mutation: Mutation
  clock: () => Date
  /** Whether a bug that is there for now breaks this command. */
  isPoisoned: (command: Command) => boolean
}>

/** A process: the services in it, the transport that they share, and how it loses all it knows. */
export interface Process {
  readonly services: ReadonlyMap<ServiceName, RunningService>
  readonly transport: MemoryTransport
  /** Polls for what it was not told of, in its time; nothing happens while there is nothing new. */
  look(): void
  crash(): void
}

/** The transport of a process as its services know it. */
export type Topics = Readonly<{
  transport: MemoryTransport
  log: MemoryLog
  /** Hands over what was committed, or is lost; undefined where a relay carries the outbox. */
  told: ((messages: readonly Message[]) => void) | undefined
  /** A batch came to one of the services. */
  saw: (batch: readonly Delivered[]) => void
}>

const pollStepsMax = 20

/** Starts production's executors and consumers over ports where every wait is the scheduler's. */
export function startProcess(options: ProcessOptions): Process {
  const { services, number, log, near } = options
  const lives = services.map(({ name }): Life => ({ alive: true, name: `${name} ${number}` }))
  const topics = makeTopics(options, lives[0]!)
  const running = services.map((parts, index) =>
    startService({ ...options, parts, topics }, lives[index]!),
  )
  let polledTo = 0
  let isPolling = false
  return {
    services: new Map(services.map(({ name }, index) => [name, running[index]!])),
    transport: topics.transport,
    look() {
      const { messages } = log.outbox
      if (isPolling || polledTo === messages.length) return
      isPolling = true
      const steps = 1 + near.random.below(pollStepsMax)
      void near.scheduler.delay(lives[0]!, 'poll', steps).then(() => {
        isPolling = false
        polledTo = messages.length
        topics.transport.poll()
      })
    },
    crash() {
      for (const service of running) service.crash()
    },
  }
}

/** The transport: a page takes its time, and what is told may be lost before it is handed over. */
function makeTopics({ database, log, partitions, near }: ProcessOptions, life: Life): Topics {
  const { scheduler, random, faults, happened } = near
  const [read, handed] = [new WeakSet<Delivered>(), new WeakSet<Delivered>()]
  const lost = new Set<string>()
  const transport = memoryTransport({
    ...{ log, partitions },
    async read(page) {
      // The query takes its time on the way there, or its reply on the way back.
      const isAsked = random.chance(0.5)
      const found = isAsked ? page() : undefined
      await scheduler.step(life, 'page')
      const { messages, hasMore } = found ?? page()
      for (const message of messages) read.add(message)
      return { messages, hasMore }
    },
    wait: () => scheduler.step(life, 'back off'),
    random: () => random.fraction(),
  })

  function told(messages: readonly Message[]): void {
    if (random.chance(faults().handOverLossRate)) {
      for (const { id } of messages) lost.add(id)
      return
    }
    transport.told(messages)
    for (const message of messages) {
      const delivered = log.delivered.get(message)
      if (delivered !== undefined) handed.add(delivered)
    }
  }

  function saw(batch: readonly Delivered[]): void {
    if (batch.some((message) => !read.has(message))) happened('handed over, not read')
    if (batch.some((message) => read.has(message) && handed.has(message))) {
      happened('handed over, and read all the same')
    }
    if (batch.some(({ id }) => lost.has(id!))) happened('hand-over lost, found by the poll')
    // What comes again, comes after a reset.
    for (const message of batch) handed.delete(message)
    for (const { id } of batch) lost.delete(id!)
  }

  const isOutbox = log.outbox.messages === database.messages
  return { transport, log, told: isOutbox ? told : undefined, saw }
}
