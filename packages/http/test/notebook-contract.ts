import { command, problem, query } from '@semel/contract'
import { Type } from 'typebox'

/** A product that is not ours, as small as can be: notes that users write, rewrite and erase. */
export const noteUnknown = problem({
  name: 'note-unknown',
  title: 'there is no such note',
  statuses: [404],
  recorded: true,
  explanation: 'It was never written, or it is not yours.',
})

export const noteTaken = problem({
  name: 'note-taken',
  title: 'the id is taken',
  statuses: [409],
  recorded: true,
  explanation: 'Make another id.',
})

export const noteChanged = problem({
  name: 'note-changed',
  title: 'the note was changed',
  statuses: [409, 412],
  recorded: true,
  explanation: 'Read it again.',
  members: { currentVersion: Type.Integer() },
  constants: { code: 7 },
  example: { currentVersion: 2 },
})

const Uuid = Type.String({ format: 'uuid' })
const Version = Type.Integer({ minimum: 1, maximum: 1000 })
const Text = Type.String({ minLength: 1, maxLength: 100 })
const noteMembers = { id: Uuid, userId: Uuid, text: Text, version: Version }
const Note = Type.Object(noteMembers)

export const exampleId = '0193d5a1-6f00-7000-8000-000000000001'
const exampleNote = {
  id: exampleId,
  userId: '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10',
  text: 'milk',
  version: 1,
}

const tagOf = ({ version }: Readonly<Record<string, unknown>>) => `"${version}"`

export const writeNote = command({
  operation: 'write-note',
  summary: 'Write a note',
  method: 'POST',
  path: '/notes',
  body: { id: Type.Optional(Uuid), userId: Uuid, text: Text },
  clientMadeId: 'id',
  topic: 'note',
  partitionKey: ({ id, input }) => input.id ?? id,
  resource: ({ id, input }) => `/notes/${input.id ?? id}`,
  etag: tagOf,
  accepted: [
    { status: 201, description: 'It was written.', body: Note, example: exampleNote },
    { status: 200, description: 'It was there already.', body: Note, example: exampleNote },
  ],
  refusals: [noteTaken],
  example: { userId: exampleNote.userId, text: 'milk' },
})

export const rewriteNote = command({
  operation: 'rewrite-note',
  summary: 'Rewrite a note',
  method: 'PUT',
  path: '/notes/{id}',
  params: { id: Uuid },
  body: { version: Type.Optional(Version), text: Text },
  ifMatch: true,
  requiresVersion: true,
  resource: ({ input }) => `/notes/${input.id}`,
  etag: tagOf,
  accepted: [{ status: 200, description: 'It was rewritten.', body: Note, example: exampleNote }],
  refusals: [noteUnknown, noteChanged],
  example: { id: exampleId, version: 1, text: 'eggs' },
})

export const eraseNote = command({
  operation: 'erase-note',
  summary: 'Erase a note',
  method: 'DELETE',
  path: '/notes/{id}',
  params: { id: Uuid },
  query: { version: Type.Optional(Version) },
  ifMatch: true,
  resource: ({ input }) => `/notes/${input.id}`,
  accepted: [{ status: 200, description: 'It is gone.', body: Note, example: exampleNote }],
  refusals: [noteUnknown, noteChanged],
  example: { id: exampleId, version: 1 },
})

export const getNote = query({
  name: 'get-note',
  summary: 'Get a note',
  path: '/notes/{id}',
  inPath: ['id'],
  parameters: { id: Uuid },
  etag: tagOf,
  answer: { description: 'The note.', body: Note, example: exampleNote },
  refusals: [noteUnknown],
  example: { id: exampleId },
})

export const listNotes = query({
  name: 'list-notes',
  summary: 'List notes',
  path: '/notes',
  parameters: {
    userId: Type.Optional(Uuid),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  answer: {
    description: 'Notes.',
    body: Type.Object({ items: Type.Array(Note) }),
    example: { items: [exampleNote] },
  },
  example: { limit: 10 },
})
