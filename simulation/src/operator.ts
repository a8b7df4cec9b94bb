import { type CommandRecord, commandId, serviceScope } from '@semel/commands'
import { memoryDeadLetters } from '@semel/topics'
import { type ServiceName, serviceNames } from './services.ts'
import { clientMadeOrderId } from './workload.ts'
import type { World } from './world.ts'

/** Has the operator of a world do, at some step each, what its faults say. */
export function startOperator(world: World): void {
  const { random, scheduler, life, faults } = world
  const later = (label: string, stepsEnd: number, work: () => unknown) =>
    void scheduler.delay(life, label, 1 + random.below(stepsEnd)).then(work)
  for (let nth = 0; nth < faults.garbage; nth += 1) {
    later('garbage', 100, () => publishGarbage(world, nth))
  }
  for (let nth = 0; nth < faults.resets; nth += 1) later('reset', 400, () => reset(world))
  if (faults.repartitions) {
    later('repartition', 200, () => world.repartition(1 + random.below(3)))
  }
  if (faults.forgets) later('forget', 500, () => forget(world))
  if (faults.mendsEarly) later('mend', 400, () => world.mend())
  if (faults.redrivesEarly) later('redrive', 400, () => redrive(world))
}

/** Discards what can never be decided, and has the rest tried again. */
export async function redrive(world: World): Promise<void> {
  for (const name of serviceNames) {
    const letters = memoryDeadLetters(world.databases[name])
    for (const { id, reason, group } of await letters.list({})) {
      if (reason === 'failed' || reason === 'behind-parked') continue
      await letters.discard({ group, id, by: 'operator', why: 'nonsense', at: world.now() })
      world.happened('parked and discarded')
    }
    await letters.redrive({}, world.now())
  }
}

/** A message that is no command, under the key of somebody's order. */
async function publishGarbage({ random, publisher, now }: World, nth: number): Promise<void> {
  const id = commandId(serviceScope('garbage'), 'garbage', String(nth))
  const type = random.pick(['update-order', 'nobody-knows-it'])
  await publisher.publish([
    {
      ...{ topic: 'order', partitionKey: clientMadeOrderId(0), type, id, commandId: id },
      ...{ source: 'gateway', time: now(), scope: 'local/operator', body: { key: 7 } },
    },
  ])
}

/** Lets a group read a partition from its start. */
function reset({ log, random, scheduler, publisher, happened }: World): void {
  const places = [...log.places.keys()]
  if (places.length === 0) return
  const name = random.pick(places)
  const { group, ...at } = placeOf(name)
  if (scheduler.isParked(group, 'position')) happened('position reset while a batch was worked on')
  if (log.places.get(name)!.position > 0) happened('messages replayed after a reset')
  publisher.resetPosition({ group, ...at, to: 0 })
}

/** Retention drops what services asked of each other from command logs: tables must do. */
function forget(world: World): void {
  for (const name of serviceNames) if (world.random.chance(0.5)) forgetEventsOf(world, name)
}

function forgetEventsOf({ databases, random, log, publisher, happened }: World, name: ServiceName) {
  const { tables, forgotten } = databases[name]
  const records = tables.get('commands') as Map<string, CommandRecord> | undefined
  for (const [id, record] of records ?? []) {
    if (!record.scope.startsWith('@')) continue
    if (!forgotten.has(id)) forgotten.set(id, record)
    records?.delete(id)
    happened('command log of events forgotten')
  }
  if (random.chance(0.5)) return
  for (const place of [...log.places.keys()].map(placeOf)) {
    if (place.group === name) publisher.resetPosition({ ...place, to: 0 })
  }
}

function placeOf(name: string): { group: string; topic: string; partition: number } {
  const [group, topic, partition] = JSON.parse(name) as [string, string, number]
  return { group, topic, partition }
}
