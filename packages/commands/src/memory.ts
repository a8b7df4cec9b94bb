import type { Command, CommandId } from './command.ts'
import type { Message, Repository } from './decider.ts'
import { type CommandRecord, DuplicateCommand, type Store, Unavailable } from './store.ts'

type Table = Map<string, unknown>

/** A database in memory, for tests and simulation: tables of rows by id, and what was told. */
export type MemoryDatabase = Readonly<{
  tables: Map<string, Table>
  messages: Message[]
}>

/**
 * A transaction on a memory database. It reads what is committed and writes to itself; it commits
 * only if nothing that it read was changed meanwhile (optimistic, serializable).
 */
export type MemoryTx = Readonly<{
  read(table: string, id: string): unknown
  write(table: string, id: string, row: unknown): void
  tell(messages: readonly Message[]): void
}>

const commandTable = 'commands'
const attemptsMax = 100

/** Makes an empty database. */
export function memoryDatabase(): MemoryDatabase {
  return { tables: new Map(), messages: [] }
}

/** The command log of a memory database. It passes the same suite as the PostgreSQL store. */
export function memoryStore(database: MemoryDatabase): Store<MemoryTx> {
  return {
    async transaction(work) {
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const { tx, commit } = begin(database)
        try {
          const value = await work(tx)
          if (commit()) return value
        } catch (error) {
          if (!(error instanceof DuplicateCommand)) throw error
        }
      }
      throw new Unavailable('none', new Error(`${attemptsMax} conflicts in a row`))
    },
    async find(tx, ids) {
      const records = ids.map((id) => tx.read(commandTable, id) as CommandRecord | undefined)
      return new Map(records.flatMap((record) => (record ? [[record.id, record] as const] : [])))
    },
    async insert(tx, records) {
      for (const record of records) {
        if (tx.read(commandTable, record.id) !== undefined) throw new DuplicateCommand(record.id)
        tx.write(commandTable, record.id, record)
      }
    },
    async sweep({ replayableBefore, decidedBefore, batchSizeMax }) {
      const rows = tableOf(database, commandTable) as Map<CommandId, CommandRecord>
      const all = [...rows.values()]
      const spent = all
        .filter((row) => row.answer !== undefined && row.replayableUntil < replayableBefore)
        .slice(0, batchSizeMax)
      const old = all
        .filter((row) => row.answer === undefined && row.decidedAt < decidedBefore)
        .slice(0, batchSizeMax)
      for (const row of spent) rows.set(row.id, { ...row, answer: undefined })
      for (const row of old) rows.delete(row.id)
      return { answers: spent.length, tombstones: old.length }
    },
    async probe() {},
  }
}

/**
 * A repository on a memory database, for any kind of aggregate.
 *
 * `absent` makes the state of an aggregate that does not exist yet, from its id and the commands
 * that ask for it; `idOf` names a state.
 */
export function memoryRepository<State, C extends Command>(
  table: string,
  idOf: (state: State) => string,
  absent: (id: string, commands: readonly C[]) => State,
): Repository<State, C, MemoryTx> {
  return {
    async load(tx, ids, commands) {
      const stateOf = (id: string) =>
        (tx.read(table, id) as State | undefined) ?? absent(id, commands)
      return new Map(ids.map((id) => [id, stateOf(id)]))
    },
    async save(tx, changed) {
      for (const state of changed) tx.write(table, idOf(state), state)
    },
  }
}

/** Appends messages to a memory database, with the effect that tells them. */
export async function memoryAppend(tx: MemoryTx, messages: readonly Message[]): Promise<void> {
  tx.tell(messages)
}

function begin(database: MemoryDatabase): { tx: MemoryTx; commit: () => boolean } {
  const seen = new Map<string, { table: Table; id: string; row: unknown }>()
  const written = new Map<string, { table: Table; id: string; row: unknown }>()
  const told: Message[] = []
  const tx: MemoryTx = {
    read(name, id) {
      const at = `${name}\u0000${id}`
      const own = written.get(at)
      if (own !== undefined) return own.row
      const table = tableOf(database, name)
      const row = table.get(id)
      if (!seen.has(at)) seen.set(at, { table, id, row })
      return row
    },
    write(name, id, row) {
      written.set(`${name}\u0000${id}`, { table: tableOf(database, name), id, row })
    },
    tell: (messages) => void told.push(...messages),
  }
  const commit = () => {
    if ([...seen.values()].some(({ table, id, row }) => table.get(id) !== row)) return false
    for (const { table, id, row } of written.values()) table.set(id, row)
    database.messages.push(...told)
    return true
  }
  return { tx, commit }
}

function tableOf(database: MemoryDatabase, name: string): Table {
  const found = database.tables.get(name)
  if (found !== undefined) return found
  const made: Table = new Map()
  database.tables.set(name, made)
  return made
}
