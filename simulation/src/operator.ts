import { type CommandRecord, commandId, serviceScope } from '@semel/commands'
import { memoryDeadLetters } from '@semel/topics'
import type { Database } from './services.ts'
import { clientMadeOrderId } from './workload.ts'
import type { World } from './world.ts'

/** Has the operator of a world do, at some step each, what its faults say. */
export function startOperator(world: World): void {
  const { random, scheduler, life, faults } = world
  const later = (label: string, stepsEnd: number, work: () => unknown) =>
    void scheduler.delay(life, label, 1 + random.below(stepsEnd)).then(work)
  for (let nth = 0; nth < faults.garbage; nth += 1) {
    later('garbage', 60, () => publishGarbage(world, nth))
  }
  for (let nth = 0; nth < faults.resets; nth += 1) later('reset', 200, () => reset(world))
  for (let nth = 0; nth < faults.repartitions; nth += 1) {
    later('repartition', 120, () => world.repartition(1 + random.below(3)))
  }
  if (faults.forgets) later('forget', 150, () => forget(world))
  if (faults.mendsEarly) later('mend', 200, () => world.mend())
  if (faults.redrivesEarly) later('redrive', 200, () => redrive(world))
}

/** Discards what can never be decided, and has the rest tried again. */
export async function redrive(world: World): Promise<void> {
  for (const database of world.databases) {
    const letters = memoryDeadLetters(database)
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
  for (const one of world.databases) if (world.random.chance(0.8)) forgetEvents(world, one)
}

function forgetEvents(
  { random, log, publisher, happened }: World,
  { tables, forgotten, services }: Database,
): void {
  const records = tables.get('commands') as Map<string, CommandRecord> | undefined
  for (const [id, record] of records ?? []) {
    if (!record.scope.startsWith('@')) continue
    if (!forgotten.has(id)) forgotten.set(id, record)
    records?.delete(id)
    happened('command log of events forgotten')
  }
  if (random.chance(0.5)) return
  for (const place of [...log.places.keys()].map(placeOf)) {
    if (services.some((name) => name === place.group)) {
      publisher.resetPosition({ ...place, to: 0 })
    }
  }
}

function placeOf(name: string): { group: string; topic: string; partition: number } {
  const [group, topic, partition] = JSON.parse(name) as [string, string, number]
  return { group, topic, partition }
}
