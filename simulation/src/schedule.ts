import type { End } from './history.ts'
import type { Mutation } from './mutation.ts'
import { redrive, startOperator } from './operator.ts'
import { Random } from './random.ts'
import type { RareCounts } from './rare-events.ts'
import { noteOutcomes } from './rare-outcomes.ts'
import { Scheduler } from './scheduler.ts'
import { drawWorkload, type Intent, type Stream, type Workload } from './workload.ts'
import { World } from './world.ts'
import { endOf } from './world-end.ts'

/** What one schedule came to. */
export type Ran = Readonly<{
  seed: number
  /** Of every choice and every step: the same for the same seed, or something is not ours. */
  hash: string
  steps: number
  counts: RareCounts
  end: End
}>

/** How a schedule may be looked at, and spoiled. */
export type ScheduleOptions = Readonly<{
  mutation?: Mutation
  onTrace?: (line: string) => void
}>

const stepsMax = 20_000
const roundsMax = 24

/**
 * Runs the schedule of a seed: clients, faults and an operator until all clients have ended; then
 * everything heals and settles, every request is asked again, and what is left is looked at.
 */
export async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<Ran> {
  const random = new Random(seed)
  const scheduler = new Scheduler(random)
  scheduler.onTrace = options.onTrace
  const world = new World(random, scheduler, options.mutation ?? {})
  const workload = drawWorkload(random)
  for (const stream of workload.streams) void runStream(world, stream, workload)
  startOperator(world)
  const hasEnded = await scheduler.run(stepsMax)
  world.heal()
  await redrive(world)
  const hasSettled = hasEnded && (await settle(world))
  for (const intent of distinct(workload)) {
    void world.send(intent, { way: 'at-once', isAskedAgain: true })
  }
  const isSettled = (await settle(world)) && hasSettled
  const end = endOf(world, isSettled)
  noteOutcomes(end, world.counts)
  const { hash, steps } = scheduler
  return { seed, hash, steps, counts: world.counts, end }
}

/** A client: sends one intent until it is told what became of it, then the next. */
async function runStream(world: World, stream: Stream, { byTopicRate }: Workload): Promise<void> {
  await world.scheduler.delay(world.life, 'client', stream.fromStep)
  for (const intent of stream.intents) {
    for (let tries = 1; tries <= stream.triesMax; tries += 1) {
      const way = world.random.chance(byTopicRate) ? 'by-topic' : 'at-once'
      const { kind } = await world.send(intent, { way })
      if (kind !== 'unavailable' && kind !== 'broken' && kind !== 'in-flight') break
    }
  }
}

/** Nobody goes on any more, whatever timer fires, and nothing is left to do. */
async function settle(world: World): Promise<boolean> {
  const { scheduler } = world
  if (!(await scheduler.run(stepsMax))) return false
  for (let round = 1; round <= roundsMax; round += 1) {
    if (!world.isBusy()) return true
    await redrive(world)
    scheduler.fireAll()
    if (!(await scheduler.run(stepsMax))) return false
  }
  return false
}

/** Every request once: repeats were sent before. */
function distinct({ streams }: Workload): readonly Intent[] {
  const intents = streams.flatMap((stream) => stream.intents)
  const nameOf = ({ contract, scope, key, input }: Intent) =>
    JSON.stringify([contract.operation, scope, key, input])
  return [...new Map(intents.map((intent) => [nameOf(intent), intent])).values()]
}
