import { type Command, makeCommand } from '@semel/commands'
import type { AnyCommandContract } from '@semel/contract'
import { commandMessage } from '@semel/topics'
import { type MemoryLog, memoryLog, memoryTransport } from '@semel/topics/memory'
import type { Surroundings } from './commits.ts'
import { drawFaults, type Faults, healed } from './faults.ts'
import type { Attempt, Told } from './history.ts'
import type { Mutation } from './mutation.ts'
import { type Process, startProcess } from './process.ts'
import type { Random } from './random.ts'
import { addCounts, type RareCounts, type RareEvent } from './rare-events.ts'
import { type Relay, startRelay } from './relay.ts'
import type { Life, Scheduler } from './scheduler.ts'
import {
  type Database,
  makeDatabase,
  makeServices,
  type ServiceName,
  type ServiceParts,
  serviceNames,
} from './services.ts'
import type { Intent } from './workload.ts'
import { lettersIn } from './world-end.ts'

export type DatabaseOf = Readonly<Record<ServiceName, Database>>

/** A seat of a process: whoever sits on it may crash, and another one comes after. */
type Seat = {
  readonly names: readonly ServiceName[]
  readonly number: number
  process: Process | undefined
}

const start = Date.UTC(2026, 0, 1)

/** The whole product in memory, and what can be done to it. */
export class World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly counts: RareCounts = new Map()
  readonly attempts: Attempt[] = []
  readonly services: readonly ServiceParts[] = makeServices()
  readonly databases: readonly Database[]
  readonly databaseOf: DatabaseOf
  readonly log: MemoryLog
  readonly life: Life = { alive: true, name: 'world' }
  readonly #mutation: Mutation
  readonly #near: Surroundings
  readonly #seats: Seat[]
  /** Where services share a database, they read its outbox, and nobody relays it. */
  readonly #relays = new Map<Database, Relay>()
  readonly publisher: ReturnType<typeof memoryTransport>
  /** Commands that break their decider until the bug is mended; false: they do not. */
  readonly #poisoned = new Map<string, boolean>()
  readonly #partitions: Record<string, number> = {}
  #faults: Faults
  #crashes = 0
  #isMended = false

  constructor(random: Random, scheduler: Scheduler, mutation: Mutation) {
    this.random = random
    this.scheduler = scheduler
    this.#mutation = mutation
    this.#faults = drawFaults(random)
    const { isTogether, partitions, replicas, alarmRate } = this.#faults
    const groups = isTogether ? [serviceNames] : serviceNames.map((name) => [name])
    this.databases = groups.map(makeDatabase)
    this.databaseOf = Object.fromEntries(
      this.databases.flatMap((one) => one.services.map((name) => [name, one])),
    ) as DatabaseOf
    this.log = memoryLog(isTogether ? this.databases[0]!.messages : [])
    scheduler.alarmRate = alarmRate
    scheduler.onStep = () => this.#beforeStep()
    this.publisher = memoryTransport({ log: this.log, partitions: this.#partitions })
    this.repartition(partitions)
    this.#near = {
      ...{ random, scheduler, faults: () => this.#faults },
      happened: this.happened,
    }
    this.#seats = groups.flatMap((names) => {
      const seats = names.includes('orders') || names.includes('billing') ? replicas : 1
      return Array.from({ length: seats }, (_, number) => ({ names, number, process: undefined }))
    })
    for (const seat of this.#seats) this.#start(seat)
    if (!isTogether) for (const database of this.databases) this.#startRelay(database)
  }

  get faults(): Faults {
    return this.#faults
  }

  readonly happened = (event: RareEvent): void => addCounts(this.counts, [[event, 1]])

  readonly now = (): Date => new Date(start + this.scheduler.nowMs)

  /** Sends a command to the service, or by the gateway to its topic; notes what is told. */
  async send(
    intent: Intent,
    { way, isAskedAgain = false }: Pick<Attempt, 'way'> & { isAskedAgain?: boolean },
  ): Promise<Told> {
    const { contract, scope, key, input, service } = intent
    const isLenient = !isAskedAgain && this.random.chance(0.1)
    await this.scheduler.step(this.life, 'request')
    const command: Command = makeCommand(contract, { scope, key, input, receivedAt: this.now() })
    const sent = this.#mutation.command?.(command) ?? command
    const told =
      way === 'by-topic'
        ? await this.#publish(contract, sent)
        : await this.#ask(service, sent, isLenient)
    this.scheduler.note('client', told.kind)
    this.attempts.push({ service, command, way, isLenient, isAskedAgain, told })
    return told
  }

  async #ask(service: ServiceName, command: Command, isLenient: boolean): Promise<Told> {
    const process = this.#pickProcess(service)
    if (process === undefined) return { kind: 'unavailable', effect: 'none', retryAfterMs: 0 }
    return process.services.get(service)!.submit(command, isLenient ? { onReuse: 'replay' } : {})
  }

  /** One of the processes of a service that are up. */
  #pickProcess(service: ServiceName): Process | undefined {
    const up = this.#seats.filter(({ names, process }) => process && names.includes(service))
    return up.length === 0 ? undefined : this.random.pick(up).process
  }

  /** As the gateway does it: a receipt only when it is durable. */
  async #publish(contract: AnyCommandContract, command: Command): Promise<Told> {
    const message = commandMessage(contract, command, {
      source: 'gateway',
      time: command.receivedAt,
    })
    // The gateway is in one process with the services, or in one of its own.
    const { isTogether, publishFailureRate } = this.#faults
    const gateway = isTogether ? this.#pickProcess('orders')?.transport : this.publisher
    if (gateway === undefined) return { kind: 'unavailable', effect: 'none', retryAfterMs: 0 }
    const fails = this.random.chance(publishFailureRate)
    const isThere = !fails || this.random.chance(0.5)
    if (isThere) await gateway.publish([message])
    await this.scheduler.step(this.life, 'published')
    if (fails) return { kind: 'unavailable', effect: 'unknown', retryAfterMs: 0 }
    return { kind: 'taken', guid: message.id }
  }

  /** New messages are spread over so many partitions; those on their way stay where they are. */
  repartition(count: number): void {
    for (const topic of ['order', 'billing', 'message']) this.#partitions[topic] = count
  }

  mend(): void {
    this.#isMended = true
  }

  /** No fault any more, everybody is up, and bugs are mended. */
  heal(): void {
    this.#faults = healed(this.#faults)
    this.scheduler.alarmRate = 0
    this.mend()
    for (const seat of this.#seats) if (seat.process === undefined) this.#start(seat)
    for (const [database, { life }] of this.#relays) if (!life.alive) this.#startRelay(database)
  }

  /** Whether anything is left to do: letters to be tried again, or messages to be sent. */
  isBusy(): boolean {
    return this.databases.some(
      (database) =>
        this.unsentIn(database) > 0 ||
        lettersIn(database).some(({ discarded }) => discarded === undefined),
    )
  }

  /** How many messages were told in a database, and are not yet on their way. */
  unsentIn(database: Database): number {
    const { outbox, messages } = database
    if (this.#relays.has(database)) return messages.length - outbox.taken + outbox.left.length
    return messages.length - this.log.outbox.taken
  }

  #start(seat: Seat): void {
    seat.process = startProcess({
      services: this.services.filter(({ name }) => seat.names.includes(name)),
      number: seat.number,
      database: this.databaseOf[seat.names[0]!],
      log: this.log,
      partitions: this.#partitions,
      near: this.#near,
      mutation: this.#mutation,
      clock: this.now,
      isPoisoned: (command) => this.#isPoisoned(command),
    })
  }

  #startRelay(database: Database): void {
    this.#relays.set(database, startRelay(database, this.publisher, this.#near))
  }

  #isPoisoned({ id }: Command): boolean {
    if (this.#isMended) return false
    const known = this.#poisoned.get(id)
    if (known !== undefined) return known
    const isPoisoned = this.random.chance(this.#faults.poisonRate)
    this.#poisoned.set(id, isPoisoned)
    return isPoisoned
  }

  #beforeStep(): void {
    const { crashRate, crashesMax } = this.#faults
    if (this.#crashes < crashesMax && this.random.chance(crashRate)) this.#crash()
    for (const relay of this.#relays.values()) relay.look()
    for (const { process } of this.#seats) process?.look()
  }

  #crash(): void {
    const up = this.#seats.filter(({ process }) => process !== undefined)
    if (up.length + this.#relays.size === 0) return
    this.#crashes += 1
    const at = this.random.below(up.length + this.#relays.size)
    if (at < up.length) this.#crashProcess(up[at]!)
    else this.#crashRelay(this.databases[at - up.length]!)
    this.scheduler.bury()
  }

  #crashProcess(seat: Seat): void {
    const lives = [...seat.process!.services.values()].map(({ life }) => life)
    this.scheduler.note(lives[0]!.name, 'crash')
    const labels = lives.flatMap((life) => this.scheduler.labelsOf(life))
    if (labels.includes('position')) this.happened('crash between effect and position')
    if (labels.includes('committed')) this.happened('crash between commit and answer')
    if (labels.includes('commit')) this.happened('crash inside a transaction')
    const owned = [...this.log.owners.keys()]
    seat.process!.crash()
    seat.process = undefined
    const orphaned = owned.filter((name) => !this.log.owners.has(name))
    // Whoever is up takes over what nobody reads now.
    this.publisher.poll()
    if (orphaned.some((name) => this.log.owners.has(name))) {
      this.happened('another process took a partition over')
    }
    void this.scheduler
      .delay(this.life, `restart ${seat.names[0]}`, this.random.below(40))
      .then(() => seat.process === undefined && this.#start(seat))
  }

  #crashRelay(database: Database): void {
    const { life } = this.#relays.get(database)!
    if (!life.alive) return
    this.scheduler.note(life.name, 'crash')
    if (this.scheduler.labelsOf(life).includes('sent')) {
      this.happened('crash of a relay between sending and taking note')
    }
    life.alive = false
    void this.scheduler
      .delay(this.life, `restart ${life.name}`, this.random.below(40))
      .then(() => !this.#relays.get(database)!.life.alive && this.#startRelay(database))
  }
}
