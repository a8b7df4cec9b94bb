import { type Command, makeCommand } from '@semel/commands'
import type { AnyCommandContract } from '@semel/contract'
import { commandMessage } from '@semel/topics'
import { memoryLog, memoryTransport } from '@semel/topics/memory'
import type { Surroundings } from './commits.ts'
import { drawFaults, type Faults, healed } from './faults.ts'
import type { Attempt, Told } from './history.ts'
import type { Mutation } from './mutation.ts'
import type { Random } from './random.ts'
import { addCounts, type RareCounts, type RareEvent } from './rare-events.ts'
import { type Relay, startRelay } from './relay.ts'
import type { Life, Scheduler } from './scheduler.ts'
import { type ServiceProcess, startProcess } from './service-process.ts'
import {
  type Database,
  makeDatabase,
  makeServices,
  type ServiceName,
  serviceNames,
} from './services.ts'
import type { Intent } from './workload.ts'
import { lettersIn } from './world-end.ts'

export type DatabaseOf = Readonly<Record<ServiceName, Database>>

/** A seat of a process: whoever sits on it may crash, and another one comes after. */
type Seat = {
  readonly name: ServiceName
  readonly number: number
  process: ServiceProcess | undefined
}

const start = Date.UTC(2026, 0, 1)

/** The whole product in memory, and what can be done to it. */
export class World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly counts: RareCounts = new Map()
  readonly attempts: Attempt[] = []
  readonly databases = Object.fromEntries(
    serviceNames.map((name) => [name, makeDatabase(name)]),
  ) as DatabaseOf
  readonly log = memoryLog()
  readonly life: Life = { alive: true, name: 'world' }
  readonly #mutation: Mutation
  readonly #near: Surroundings
  readonly #services = makeServices()
  readonly #seats: Seat[]
  readonly #relays = new Map<ServiceName, Relay>()
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
    const { partitions, replicas, alarmRate } = this.#faults
    scheduler.alarmRate = alarmRate
    scheduler.onStep = () => this.#beforeStep()
    this.publisher = memoryTransport({ log: this.log, partitions: this.#partitions })
    this.repartition(partitions)
    this.#near = {
      ...{ random, scheduler, faults: () => this.#faults },
      happened: this.happened,
    }
    this.#seats = serviceNames.flatMap((name) => {
      const seats = name === 'orders' || name === 'billing' ? replicas : 1
      return Array.from({ length: seats }, (_, number) => ({ name, number, process: undefined }))
    })
    for (const seat of this.#seats) this.#start(seat)
    for (const name of serviceNames) this.#startRelay(name)
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
    await this.scheduler.step(this.life, 'answer')
    this.scheduler.note('client', told.kind)
    this.attempts.push({ service, command, way, isLenient, isAskedAgain, told })
    return told
  }

  async #ask(service: ServiceName, command: Command, isLenient: boolean): Promise<Told> {
    const up = this.#seats.filter(({ name, process }) => name === service && process !== undefined)
    if (up.length === 0) return { kind: 'unavailable', effect: 'none', retryAfterMs: 0 }
    const { process } = this.random.pick(up)
    return process!.submit(command, isLenient ? { onReuse: 'replay' } : {})
  }

  /** As the gateway does it: a receipt only when it is durable. */
  async #publish(contract: AnyCommandContract, command: Command): Promise<Told> {
    const message = commandMessage(contract, command, {
      source: 'gateway',
      time: command.receivedAt,
    })
    await this.scheduler.step(this.life, 'publish')
    const fails = this.random.chance(this.#faults.publishFailureRate)
    const isThere = !fails || this.random.chance(0.5)
    if (isThere) await this.publisher.publish([message])
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
    for (const name of serviceNames) if (!this.#relays.get(name)!.life.alive) this.#startRelay(name)
  }

  /** Whether anything is left to do: letters to be tried again, or messages to be sent. */
  isBusy(): boolean {
    return serviceNames.some((name) => {
      const { outbox, messages } = this.databases[name]
      const isTold = outbox.taken < messages.length || outbox.left.length > 0
      return (
        isTold || lettersIn(this.databases[name]).some(({ discarded }) => discarded === undefined)
      )
    })
  }

  #start(seat: Seat): void {
    const life: Life = { alive: true, name: `${seat.name} ${seat.number}` }
    seat.process = startProcess(
      {
        parts: this.#services.find(({ name }) => name === seat.name)!,
        database: this.databases[seat.name],
        log: this.log,
        near: this.#near,
        mutation: this.#mutation,
        clock: this.now,
        isPoisoned: (command) => this.#isPoisoned(command),
      },
      life,
    )
  }

  #startRelay(name: ServiceName): void {
    this.#relays.set(name, startRelay(this.databases[name], this.publisher, this.#near))
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
  }

  #crash(): void {
    this.#crashes += 1
    const up = this.#seats.filter(({ process }) => process !== undefined)
    const at = this.random.below(up.length + this.#relays.size)
    if (at < up.length) this.#crashProcess(up[at]!)
    else this.#crashRelay(serviceNames[at - up.length]!)
    this.scheduler.bury()
  }

  #crashProcess(seat: Seat): void {
    const { life } = seat.process!
    this.scheduler.note(life.name, 'crash')
    const labels = this.scheduler.labelsOf(life)
    if (labels.includes('position')) this.happened('crash between effect and position')
    if (labels.includes('committed')) this.happened('crash between commit and answer')
    if (labels.some((label) => ['load', 'save', 'insert', 'append', 'commit'].includes(label))) {
      this.happened('crash inside a transaction')
    }
    const owned = [...this.log.owners.keys()]
    seat.process!.crash()
    seat.process = undefined
    const orphaned = owned.filter((name) => !this.log.owners.has(name))
    // Nothing is sent: whoever is up takes over what nobody reads now.
    void this.publisher.publish([])
    if (orphaned.some((name) => this.log.owners.has(name))) {
      this.happened('another process took a partition over')
    }
    void this.scheduler
      .delay(this.life, `restart ${seat.name}`, this.random.below(60))
      .then(() => seat.process === undefined && this.#start(seat))
  }

  #crashRelay(name: ServiceName): void {
    const { life } = this.#relays.get(name)!
    if (!life.alive) return
    this.scheduler.note(life.name, 'crash')
    if (this.scheduler.labelsOf(life).includes('sent')) {
      this.happened('crash of a relay between sending and taking note')
    }
    life.alive = false
    void this.scheduler
      .delay(this.life, `restart relay of ${name}`, this.random.below(60))
      .then(() => !this.#relays.get(name)!.life.alive && this.#startRelay(name))
  }
}
