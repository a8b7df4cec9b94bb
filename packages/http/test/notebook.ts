import {
  accept,
  type CommandOf,
  createExecutor,
  type Decider,
  type Decision,
  type ExecutorOptions,
  type Fingerprint,
  mayActFor,
  refuse,
  sameInput,
} from '@semel/commands'
import {
  type MemoryTx,
  memoryAppend,
  memoryDatabase,
  memoryRepository,
  memoryStore,
} from '@semel/commands/memory'
import type { ParametersOf } from '@semel/contract'
import { onTestFinished } from 'vitest'
import {
  type CallerOptions,
  createIdentify,
  createServer,
  type Face,
  type ServerOptions,
} from '../src/index.ts'
import { eraseNote, getNote, listNotes, rewriteNote, writeNote } from './notebook-contract.ts'

type Note = Readonly<{
  id: string
  userId: string
  text: string
  /** 0 for a note that does not exist. */
  version: number
  writtenFrom: Fingerprint | undefined
}>
type NoteCommand = CommandOf<typeof writeNote | typeof rewriteNote | typeof eraseNote>

const noteIdOf = (command: NoteCommand) =>
  command.operation === 'write-note' ? (command.input.id ?? command.id) : command.input.id

const view = ({ id, userId, text, version }: Note) => ({ id, userId, text, version })

const decider: Decider<Note, NoteCommand> = {
  aggregateId: noteIdOf,
  decide(note, command) {
    if (command.operation === 'write-note') return write(note, command)
    if (note.version === 0 || !mayActFor(command.scope, note.userId)) {
      return refuse(note, 'note-unknown')
    }
    const { ifMatch, version } = command.input
    const members = { currentVersion: note.version }
    if (ifMatch !== undefined && !ifMatch.includes(`"${note.version}"`)) {
      return refuse(note, 'note-changed', members, { status: 412 })
    }
    if (version !== undefined && version !== note.version) {
      return refuse(note, 'note-changed', members)
    }
    if (command.operation === 'erase-note') return accept({ ...note, version: 0 }, view(note))
    const { text } = command.input
    if (text === 'break') throw new Error('a bug of the decider, with a secret in it')
    const next = { ...note, text, version: note.version + 1 }
    return accept(next, view(next))
  },
}

function write(note: Note, command: CommandOf<typeof writeNote>): Decision<Note> {
  const { userId, text } = command.input
  if (note.writtenFrom === undefined) {
    const written = { id: note.id, userId, text, version: 1, writtenFrom: command.fingerprint }
    return accept(written, view(written))
  }
  if (!mayActFor(command.scope, note.userId)) return refuse(note, 'note-taken')
  if (sameInput(command, note.writtenFrom)) return accept(note, view(note), [], 200)
  return refuse(note, 'note-taken', {}, { location: `/notes/${note.id}` })
}

const repository = memoryRepository<Note, NoteCommand>(
  'notes',
  ({ id }) => id,
  (id) => ({ id, userId: '', text: '', version: 0, writtenFrom: undefined }),
)

/** What a test may have otherwise. */
export type NotebookOptions = Readonly<{
  callers?: CallerOptions
  executor?: Partial<ExecutorOptions<Note, NoteCommand, MemoryTx>>
  server?: Partial<ServerOptions>
}>

/** A server of notes over a memory database, with a clock that tests turn. */
export async function openNotebook(options: NotebookOptions = {}) {
  const database = memoryDatabase()
  const time = { now: new Date('2026-01-01T12:00:00Z') }
  const clock = () => time.now
  const store = memoryStore(database)
  const errors: unknown[] = []
  const notes = () => [...(database.tables.get('notes')?.values() ?? [])] as Note[]
  const executor = createExecutor({
    store,
    repository,
    decider,
    contracts: [writeNote, rewriteNote, eraseNote],
    append: memoryAppend,
    clock,
    ...options.executor,
  })
  const face: Face = {
    name: 'notes',
    commands: [writeNote, rewriteNote, eraseNote].map((contract) => ({ contract, executor })),
    queries: [
      {
        contract: getNote,
        async answer(caller, { id }: ParametersOf<typeof getNote>) {
          const found = notes().find((note) => note.id === id && note.version > 0)
          if (found === undefined || !mayActFor(caller, found.userId)) {
            return { problem: 'note-unknown' }
          }
          if (found.text === 'break') throw new Error('a bug of the query')
          return { body: view(found) }
        },
      },
      {
        contract: listNotes,
        async answer(_, { userId, limit = 10 }: ParametersOf<typeof listNotes>) {
          const found = notes().filter((note) => note.userId === (userId ?? note.userId))
          return { body: { items: found.slice(0, limit).map(view) } }
        },
      },
    ],
    ready: () => store.probe(),
  }
  const server = await createServer({
    faces: [face],
    identify: createIdentify(options.callers ?? { kind: 'none' }),
    ready: async () => ({ ready: true, faults: [] }),
    report: (error) => void errors.push(error),
    clock,
    ...options.server,
  })
  onTestFinished(() => server.close())
  /** How much is stored: nothing must be, of what was refused. */
  const rows = () => ({
    commands: database.tables.get('commands')?.size ?? 0,
    notes: notes().length,
  })
  return { server, face, store, time, errors, notes, rows }
}

/** Waits for another to say that something may go on. */
export function gate() {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  return { opened, open }
}
