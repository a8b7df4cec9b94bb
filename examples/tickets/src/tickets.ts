import { accept, type CommandOf, type Decider, type Repository, refuse } from '@semel/commands'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { command, problem, query, Type } from '@semel/contract'
import { createService, mountQuery, type Service } from '@semel/http'
import { type Pool, queryable, type Tx } from '@semel/postgres'

// The contract: what can be asked, and every answer there is. Routes and OpenAPI are made of it.
const id = Type.String({ pattern: '^(hamlet|macbeth)-[a-h][1-9]$', examples: ['hamlet-b7'] })
const userId = Type.String({ format: 'uuid', examples: ['4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'] })
const Seat = Type.Object({ id, status: Type.Enum(['free', 'booked']) })
const answer = { status: 200, description: 'The seat as it is now.', body: Seat }
const taken = problem({
  name: 'seat-taken',
  title: 'somebody else has this seat',
  statuses: [409],
  recorded: true,
  explanation: 'Somebody else has booked this seat, and nothing was changed. Choose another one.',
})
const seat = { path: '/seats/{id}', params: { id }, accepted: [answer], refusals: [taken] } as const

const book = { operation: 'book-seat', summary: 'Book a seat for a user', method: 'PUT' } as const
export const bookSeat = command({ ...seat, ...book, body: { userId } })
const back = { operation: 'release-seat', summary: 'Give a seat back', method: 'DELETE' } as const
export const releaseSeat = command({ ...seat, ...back, query: { userId } })
export const getSeat = query({
  name: 'get-seat',
  summary: 'Get a seat',
  path: '/seats/{id}',
  parameters: { id },
  answer,
})

// The decider: pure. A seat is free, or a user's.
type SeatState = Readonly<{ id: string; userId: string | null }>
type SeatCommand = CommandOf<typeof bookSeat | typeof releaseSeat>
const view = ({ id, userId }: SeatState) => ({ id, status: userId === null ? 'free' : 'booked' })
export const seatDecider: Decider<SeatState, SeatCommand> = {
  aggregateId: ({ input }) => input.id,
  decide(seat, { operation, input: { userId } }) {
    if (seat.userId !== null && seat.userId !== userId) return refuse(seat, 'seat-taken')
    const decided = { ...seat, userId: operation === 'book-seat' ? userId : null }
    return accept(decided, view(decided))
  },
}

// The repository: the seats of a whole batch are locked by one statement, and saved by one.
const findSeats = 'select id, user_id as "userId" from seats where id = any($1) order by id'
const makeSeats = 'insert into seats select unnest($1::text[]) on conflict do nothing'
const seatRepository: Repository<SeatState, SeatCommand, Tx> = {
  async load(tx, ids) {
    // A seat that nobody asked for before gets a row: what is not there cannot be locked.
    await tx.query({ text: makeSeats, values: [ids] })
    const { rows } = await tx.query<SeatState>({ text: `${findSeats} for update`, values: [ids] })
    return new Map(rows.map((seat) => [seat.id, seat]))
  },
  async save(tx, seats) {
    const text = `update seats set user_id = changed.user_id
      from unnest($1::text[], $2::uuid[]) as changed (id, user_id) where seats.id = changed.id`
    tx.send({ text, values: [seats.map(({ id }) => id), seats.map(({ userId }) => userId)] })
  },
}

// The service: all of it together, on a database that has been migrated.
const tables = { set: 'tickets', folder: new URL('../migrations/', import.meta.url) }
export const migrations = [commandMigrations, tables]
export function createTickets(pool: Pool): Service {
  return createService({
    name: 'tickets',
    store: postgresStore(pool),
    contracts: [bookSeat, releaseSeat],
    decider: seatDecider,
    repository: seatRepository,
    queries: [
      mountQuery(getSeat, async (_caller, { id }) => {
        const { rows } = await queryable(pool).query<SeatState>({ text: findSeats, values: [[id]] })
        return { body: view(rows[0] ?? { id, userId: null }) }
      }),
    ],
  })
}
