import type { Timer, Timers } from '@semel/commands'
import type { Random } from './random.ts'

/** Who waits: a process, or the world around it. What the dead have parked never goes on. */
export type Life = { alive: boolean; readonly name: string }

type Parked = Readonly<{ life: Life; label: string; resume: () => void }>
type Delayed = Parked & Readonly<{ dueStep: number }>
type Alarm = Parked & { readonly dueMs: number; cancelled: boolean }

const drained = Promise.resolve()

/**
 * Decides who goes on. Every wait of what is simulated is parked here; a step picks one of them by
 * the seed, lets it go on until everything waits again, and is written into the trace's hash.
 *
 * Time is the number of steps, in milliseconds; it jumps when a timer fires.
 */
export class Scheduler {
  readonly #random: Random
  #ready: Parked[] = []
  #delayed: Delayed[] = []
  #alarms: Alarm[] = []
  #hashes: [number, number] = [0x811c9dc5, 0x01000193]
  #jumpedMs = 0
  /** Steps taken. */
  steps = 0
  /** How often a timer fires though others could go on. */
  alarmRate = 0
  /** Called before each step. */
  onStep: () => void = () => {}
  /** Called with each step: for people who look at one. */
  onTrace: ((line: string) => void) | undefined

  constructor(random: Random) {
    this.#random = random
  }

  get nowMs(): number {
    return this.steps + this.#jumpedMs
  }

  /** What was done so far, as 16 hexadecimal digits. */
  get hash(): string {
    return this.#hashes.map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** Waits for its turn. */
  step(life: Life, label: string): Promise<void> {
    return new Promise((resume) => this.park(life, label, resume))
  }

  park(life: Life, label: string, resume: () => void): void {
    if (life.alive) this.#ready.push({ life, label, resume })
  }

  /** Waits for its turn, which does not come before so many steps unless nothing else can go on. */
  delay(life: Life, label: string, steps: number): Promise<void> {
    if (steps === 0) return this.step(life, label)
    return new Promise((resume) => {
      this.#delayed.push({ life, label, resume, dueStep: this.steps + steps })
    })
  }

  /** The timers of one process. */
  timersOf(life: Life): Timers {
    return {
      now: () => this.nowMs,
      soon: (run) => this.park(life, 'soon', run),
      after: (run, ms): Timer => {
        const alarm = {
          life,
          label: 'alarm',
          resume: run,
          dueMs: this.nowMs + ms,
          cancelled: false,
        }
        this.#alarms.push(alarm)
        const cancel = () => {
          alarm.cancelled = true
        }
        return { cancel }
      },
    }
  }

  /** What a life waits for. */
  labelsOf(life: Life): readonly string[] {
    return this.#ready.filter((parked) => parked.life === life).map(({ label }) => label)
  }

  /** Whether any life of a name waits so. */
  isParked(name: string, label: string): boolean {
    return this.#ready.some((one) => one.label === label && one.life.name.startsWith(name))
  }

  /** Forgets what the dead wait for. */
  bury(): void {
    this.#ready = this.#ready.filter(({ life }) => life.alive)
    this.#delayed = this.#delayed.filter(({ life }) => life.alive)
    this.#alarms = this.#alarms.filter(({ life, cancelled }) => life.alive && !cancelled)
  }

  /** Lets everyone go on until nobody can but by a timer. False: they did not come to rest. */
  run(stepsMax: number): Promise<boolean> {
    const last = this.steps + stepsMax
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          if (this.steps >= last) resolve(false)
          else if (!this.#takeStep()) resolve(true)
          // Through the microtasks first: the tick behind them comes when all of them are done.
          else void drained.then(next)
        } catch (error) {
          reject(error)
        }
      }
      const next = () => process.nextTick(turn)
      void drained.then(next)
    })
  }

  /** Makes every timer ready that is set now. */
  fireAll(): void {
    this.bury()
    const due = this.#alarms
    this.#alarms = []
    for (const alarm of due) this.#fire(alarm)
  }

  #takeStep(): boolean {
    this.onStep()
    this.#release()
    if (this.alarmRate > 0 && this.#alarms.length > 0 && this.#random.chance(this.alarmRate)) {
      const [alarm] = this.#alarms.splice(this.#random.below(this.#alarms.length), 1)
      if (alarm?.life.alive && !alarm.cancelled) this.#fire(alarm)
    }
    const at = this.#random.below(this.#ready.length)
    const parked = this.#ready[at]
    if (parked === undefined) return false
    this.#ready[at] = this.#ready.at(-1)!
    this.#ready.pop()
    this.steps += 1
    this.note(parked.life.name, parked.label)
    this.#mix(at)
    parked.resume()
    return true
  }

  /** Writes into the trace. */
  note(name: string, label: string): void {
    this.#mix(hashOf(name))
    this.#mix(hashOf(label))
    this.onTrace?.(`${this.steps} ${name}: ${label}`)
  }

  #fire(alarm: Alarm): void {
    this.#jumpedMs += Math.max(0, alarm.dueMs - this.nowMs)
    this.#ready.push(alarm)
  }

  #release(): void {
    if (this.#delayed.length === 0) return
    const earliest = Math.min(...this.#delayed.map(({ dueStep }) => dueStep))
    if (earliest > this.steps && this.#ready.length > 0) return
    const until = Math.max(earliest, this.steps)
    this.#ready.push(...this.#delayed.filter(({ dueStep }) => dueStep <= until))
    this.#delayed = this.#delayed.filter(({ dueStep }) => dueStep > until)
  }

  #mix(value: number): void {
    const [one, other] = this.#hashes
    this.#hashes[0] = Math.imul(one ^ value, 0x01000193)
    this.#hashes[1] = Math.imul((other << 5) ^ (other >>> 3) ^ value, 0x9e3779b1)
  }
}

const known = new Map<string, number>()

function hashOf(text: string): number {
  const found = known.get(text)
  if (found !== undefined) return found
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  known.set(text, hash)
  return hash
}
