import { command, event, query } from '@semel/contract'
import { type Static, Type } from 'typebox'
import {
  alreadyExists,
  dataOutOfDate,
  orderCancelled,
  orderUnknown,
  totalTooLarge,
} from './problems.ts'
import {
  Amount,
  Balance,
  ClientMadeId,
  Currency,
  Instant,
  pageOf,
  pageParameters,
  Uuid,
  Version,
} from './schemas.ts'

/** One line of an order; amounts are in minor units of the one currency. */
export const OrderLine = Type.Object(
  {
    sku: Type.String({
      minLength: 1,
      maxLength: 64,
      pattern: '^[^\\u0000-\\u001f\\u007f]*$',
      errorMessage: 'must be 1 to 64 characters, none of them control characters',
    }),
    quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    unitPrice: Amount,
  },
  { additionalProperties: false },
)
export type OrderLine = Static<typeof OrderLine>

const Lines = Type.Array(OrderLine, { minItems: 1, maxItems: 200 })

/** Waiting for billing, paid, not affordable, or taken back. */
export const OrderStatus = Type.Enum(['pending', 'paid', 'declined', 'cancelled'], {
  errorMessage: 'must be pending, paid, declined or cancelled',
})
export type OrderStatus = Static<typeof OrderStatus>

const orderMembers = {
  id: Uuid,
  number: Type.Integer({ minimum: 1 }),
  userId: Uuid,
  lines: Lines,
  total: Amount,
  currency: Currency,
  status: OrderStatus,
  version: Version,
  createdAt: Instant,
  updatedAt: Instant,
}

/** An order, whole: what every answer about it shows. */
export const Order = Type.Object(orderMembers)

const exampleOrder = {
  id: '0193d5a1-6f00-7000-8000-000000000001',
  number: 1041,
  userId: '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10',
  lines: [{ sku: 'tea-assam-250g', quantity: 2, unitPrice: 450 }],
  total: 900,
  currency: 'EUR',
  status: 'pending',
  version: 1,
  createdAt: '2026-11-21T08:30:00.000Z',
  updatedAt: '2026-11-21T08:30:00.000Z',
}

/** The entity tag of an order: it changes with every edit, and with every payment. */
export function orderTag({ version, status }: Readonly<Record<string, unknown>>): string {
  return `"${version}-${status}"`
}

export const placeOrder = command({
  operation: 'place-order',
  summary: 'Place an order',
  method: 'POST',
  path: '/orders',
  body: { id: Type.Optional(ClientMadeId), userId: Uuid, lines: Lines },
  clientMadeId: 'id',
  topic: 'order',
  partitionKey: ({ id, input }) => input.id ?? id,
  resource: ({ id, input }) => `/orders/${input.id ?? id}`,
  etag: orderTag,
  accepted: [
    { status: 201, description: 'The order was placed.', body: Order, example: exampleOrder },
    {
      status: 200,
      description: 'The very same order was placed before, under another key; as it is now.',
      body: Order,
      example: { ...exampleOrder, status: 'paid', updatedAt: '2026-11-21T08:30:00.120Z' },
    },
  ],
  refusals: [alreadyExists, totalTooLarge],
  example: { userId: exampleOrder.userId, lines: exampleOrder.lines },
})

export const updateOrder = command({
  operation: 'update-order',
  summary: 'Replace the lines of an order',
  method: 'PUT',
  path: '/orders/{id}',
  params: { id: Uuid },
  body: { version: Type.Optional(Version), lines: Lines },
  ifMatch: true,
  topic: 'order',
  partitionKey: ({ input }) => input.id,
  requiresVersion: true,
  etag: orderTag,
  accepted: [
    {
      status: 200,
      description: 'The order was updated, and waits for billing again.',
      body: Type.Object({ ...orderMembers, message: Type.Literal('order updated') }),
      example: {
        ...exampleOrder,
        lines: [{ sku: 'tea-assam-250g', quantity: 3, unitPrice: 450 }],
        total: 1350,
        version: 2,
        updatedAt: '2026-11-21T08:31:00.000Z',
        message: 'order updated',
      },
    },
  ],
  refusals: [orderUnknown, orderCancelled, dataOutOfDate, totalTooLarge],
  example: {
    id: exampleOrder.id,
    version: 1,
    lines: [{ sku: 'tea-assam-250g', quantity: 3, unitPrice: 450 }],
  },
})

export const cancelOrder = command({
  operation: 'cancel-order',
  summary: 'Cancel an order',
  method: 'DELETE',
  path: '/orders/{id}',
  params: { id: Uuid },
  query: { version: Type.Optional(Version) },
  ifMatch: true,
  topic: 'order',
  partitionKey: ({ input }) => input.id,
  etag: orderTag,
  accepted: [
    {
      status: 200,
      description: 'The order is cancelled; one that was cancelled before is unchanged.',
      body: Order,
      example: {
        ...exampleOrder,
        status: 'cancelled',
        version: 2,
        updatedAt: '2026-11-21T08:32:00.000Z',
      },
    },
  ],
  refusals: [orderUnknown, dataOutOfDate],
  example: { id: exampleOrder.id, version: 1 },
})

export const getOrder = query({
  name: 'get-order',
  summary: 'Get an order',
  path: '/orders/{id}',
  parameters: { id: Uuid },
  etag: orderTag,
  answer: { description: 'The order as it is now.', body: Order, example: exampleOrder },
  refusals: [orderUnknown],
  example: { id: exampleOrder.id },
})

export const listOrders = query({
  name: 'list-orders',
  summary: 'List orders, newest first',
  path: '/orders',
  parameters: {
    userId: Type.Optional(Uuid),
    status: Type.Optional(OrderStatus),
    ...pageParameters,
  },
  answer: {
    description: 'A page of orders. `nextCursor` leads to the next page, and is null on the last.',
    body: pageOf(Order),
    example: { items: [exampleOrder], nextCursor: null },
  },
  example: { userId: exampleOrder.userId, limit: 50 },
})

/** Orders tells billing what an order costs now; the highest version is the one that counts. */
export const chargeWanted = event({
  type: 'charge-wanted',
  summary: 'An order wants to be charged for; 0 for one that was cancelled',
  topic: 'billing',
  partitionKey: ({ userId }) => userId,
  body: {
    orderId: Uuid,
    version: Version,
    userId: Uuid,
    amount: Balance,
    currency: Currency,
  },
  example: {
    orderId: exampleOrder.id,
    version: 1,
    userId: exampleOrder.userId,
    amount: 900,
    currency: 'EUR',
  },
})

/** An order was settled, and its user is to be told: happiness where it was paid, else grief. */
export const notificationWanted = event({
  type: 'notification-wanted',
  summary: 'An order was paid or declined, and its user is to be told so, once',
  topic: 'notification',
  partitionKey: ({ userId }) => userId,
  body: {
    orderId: Uuid,
    orderVersion: Version,
    userId: Uuid,
    kind: Type.Enum(['happiness', 'grief']),
    total: Amount,
    currency: Currency,
    number: Type.Integer({ minimum: 1 }),
  },
  example: {
    orderId: exampleOrder.id,
    orderVersion: 1,
    userId: exampleOrder.userId,
    kind: 'happiness',
    total: 900,
    currency: 'EUR',
    number: exampleOrder.number,
  },
})
