import { command, problem, query, Type } from '@semel/contract'

const SeatId = Type.String({ pattern: '^[a-z]{1,40}-[a-z][0-9]{1,2}$' })
const UserId = Type.String({ format: 'uuid' })
const Seat = Type.Object({ id: SeatId, status: Type.Enum(['free', 'booked']) })
const userId = '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10'

const seatUnknown = problem({
  name: 'seat-unknown',
  title: 'there is no such seat',
  statuses: [404],
  recorded: true,
  explanation: 'No show has a seat with this id. GET /seats?show=… lists those there are.',
})
const seatTaken = problem({
  name: 'seat-taken',
  title: 'somebody else has this seat',
  statuses: [409],
  recorded: true,
  explanation: 'Somebody else has booked this seat, and nothing was changed. Choose another one.',
})

const booking = {
  path: '/seats/{id}/booking',
  params: { id: SeatId },
  resource: ({ input }: { input: { id: string } }) => `/seats/${input.id}`,
  refusals: [seatUnknown, seatTaken],
  example: { id: 'hamlet-b7', userId },
}
