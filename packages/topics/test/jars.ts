import {
  accept,
  type Command,
  type CommandOf,
  createExecutor,
  type Decider,
  type ExecutorOptions,
  makeCommand,
  refuse,
  type Scope,
  type Store,
  serviceScope,
  Unavailable,
  userScope,
} from '@semel/commands'
import {
  type MemoryTx,
  memoryAppend,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import { command, event, problem, reaction, Type, tell } from '@semel/contract'
import {
  carries,
  commandMessage,
  type Delivered,
  declaredTypes,
  memoryDeadLetters,
  reactsTo,
  startConsumer,
} from '@semel/topics'
import { arrayTransport, delivered } from './array-transport.ts'

/** A jar of sweets: what is filled in is taken out, and it never holds more than a thousand. */
const Uuid = Type.String({ format: 'uuid' })

const jarFull = problem({
  name: 'jar-full',
  title: 'the jar is full',
  statuses: [409],
  recorded: true,
  explanation: 'Take some.',
  members: {},
})

export const fillJar = command({
  operation: 'fill-jar',
  summary: 'Fill a jar',
  method: 'POST',
  path: '/jars/{id}/fillings',
  params: { id: Uuid },
  body: { amount: Type.Integer({ minimum: 1, maximum: 1000 }) },
  topic: 'jar',
  partitionKey: ({ input }) => input.id,
  accepted: [
    {
      status: 200,
      description: 'Filled.',
      body: Type.Object({ held: Type.Integer() }),
      example: { held: 3 },
    },
  ],
  refusals: [jarFull],
  example: { amount: 3 },
})

export const sweetsEaten = event({
  type: 'sweets-eaten',
  summary: 'Somebody ate sweets',
  topic: 'jar',
  partitionKey: ({ jarId }) => jarId,
  body: { jarId: Uuid, amount: Type.Integer({ minimum: 1 }) },
  example: { jarId: '018f0000-0000-7000-8000-000000000001', amount: 1 },
})

export const jarBroken = event({
  type: 'jar-broken',
  summary: 'A jar broke',
  topic: 'jar',
  partitionKey: ({ jarId }) => jarId,
  body: { jarId: Uuid },
  example: { jarId: '018f0000-0000-7000-8000-000000000001' },
})

const eaten = reaction(sweetsEaten)
type JarCommand = CommandOf<typeof fillJar> | CommandOf<typeof eaten>
type Jar = Readonly<{ id: string; held: number; log: readonly number[]; seen: readonly unknown[] }>

export const ann = userScope('-', 'aaaaaaaa-0000-4000-8000-000000000000')
export const jarId = '018f0000-0000-7000-8000-000000000001'
export const otherJar = '018f0000-0000-7000-8000-000000000002'
const time = new Date('2026-01-01T12:00:00Z')

/** What a bug of the decider is: these amounts break it until it is mended. */
export type Bugs = Set<number>

function jarDecider(bugs: Bugs): Decider<Jar, JarCommand> {
  return {
    aggregateId: ({ input }) => ('jarId' in input ? input.jarId : input.id),
    decide(jar, { input, operation }) {
      const amount = operation === 'fill-jar' ? input.amount : -input.amount
      if (bugs.has(amount)) throw new Error('the decider has a bug')
      const held = jar.held + amount
      if (held > 1000) return refuse(jar, 'jar-full')
      const next = { ...jar, held, log: [...jar.log, amount], seen: [...jar.seen, input] }
      return accept(next, operation === 'fill-jar' ? { held } : {})
    },
  }
}

type Options = Readonly<{
  executor?: Partial<ExecutorOptions<Jar, JarCommand, MemoryTx>>
  batchSizeMax?: number
  contract?: typeof fillJar
}>

/** A service with jars, on a database in memory, behind a transport that is an array. */
export function jars({ executor: parts = {}, batchSizeMax, contract = fillJar }: Options = {}) {
  const database = memoryDatabase()
  const transport = arrayTransport()
  const bugs: Bugs = new Set()
  const away = { store: false, letters: false }
  const stored = memoryStore(database)
  const store: Store<MemoryTx> = {
    ...stored,
    async transaction(work) {
      if (away.store) throw new Unavailable('none', new Error('the store is away'))
      return stored.transaction(work)
    },
  }
  const kept = memoryDeadLetters(database)
  const deadLetters = {
    ...kept,
    async park(...asked: Parameters<typeof kept.park>) {
      if (away.letters) throw new Error('the letters are away')
      return kept.park(...asked)
    },
  }
  const executor = createExecutor({
    store,
    repository: memoryRepository<Jar, JarCommand>(
      'jars',
      ({ id }) => id,
      (id) => ({ id, held: 0, log: [], seen: [] }),
    ),
    decider: jarDecider(bugs),
    contracts: [fillJar, eaten],
    append: memoryAppend,
    ...parts,
  })
  const reported: unknown[] = []
  const consume = (subscriptions = [carries(contract), reactsTo(sweetsEaten)]) =>
    startConsumer({
      ...{ transport, group: 'jars', executor, deadLetters, subscriptions },
      declared: declaredTypes({ commands: [fillJar], events: [sweetsEaten, jarBroken] }),
      report: (error) => reported.push(error),
      clock: () => time,
      redriveIntervalMs: 5,
      ...(batchSizeMax === undefined ? {} : { batchSizeMax }),
    })
  const jar = (id = jarId) =>
    (database.tables.get('jars')?.get(id) as Jar | undefined) ?? { held: 0, log: [], seen: [] }
  const parked = async () =>
    (await deadLetters.list({}, { order: 'position' })).map(({ reason, message }) => [
      message.position,
      reason,
    ])
  return { database, transport, bugs, away, executor, deadLetters, reported, consume, jar, parked }
}

/** A command to fill a jar. */
export function fill(key: string, amount: unknown, id = jarId, scope: Scope = ann): Command {
  const input = { id, amount }
  return makeCommand(fillJar, { scope, key: `h:${key}`, input, receivedAt: time })
}

/** The message that carries a command to fill a jar. */
export function filling(
  key: string,
  amount: unknown,
  id = jarId,
  more: Partial<Delivered> = {},
): Delivered {
  return delivered(commandMessage(fillJar, fill(key, amount, id), { source: 'gate', time }), more)
}

/** The message that tells of sweets that were eaten. */
export function eating(id: string, amount: number, body: object = {}): Delivered {
  const told = tell(sweetsEaten, { jarId, amount, ...body })
  const origin = { id, source: 'kitchen', time, scope: ann, commandId: id }
  return delivered({ ...told, ...origin, scope: serviceScope('kitchen') })
}
