import { query, type Static, Type } from '@semel/contract'
import { Instant, pageOf, pageParameters, Uuid, Version } from './schemas.ts'

/** Happiness: the order is paid. Grief: the account does not cover it. */
export const NotificationKind = Type.Enum(['happiness', 'grief'])
export type NotificationKind = Static<typeof NotificationKind>

/** What a user was told about one version of an order. */
export const Notification = Type.Object({
  id: Uuid,
  orderId: Uuid,
  orderVersion: Version,
  userId: Uuid,
  kind: NotificationKind,
  text: Type.String(),
  createdAt: Instant,
})

const exampleNotification = {
  id: '6f1b8c52-3f0a-8d11-9d0a-2f8e5f6d7c10',
  orderId: '0193d5a1-6f00-7000-8000-000000000001',
  orderVersion: 1,
  userId: '4c1e8a52-6f0b-4f0e-9d0a-2f8e5f6d7c10',
  kind: 'happiness',
  text: 'Order 1041 is paid: 9.00 EUR.',
  createdAt: '2026-11-21T08:30:00.120Z',
}

/**
 * Newest first, in the order in which they were stored: what a page showed keeps its place, and
 * nothing is ever stored behind it. An order of another is one without notifications.
 */
export const listNotifications = query({
  name: 'list-notifications',
  summary: 'List notifications, newest first',
  path: '/notifications',
  parameters: {
    userId: Type.Optional(Uuid),
    orderId: Type.Optional(Uuid),
    ...pageParameters,
  },
  answer: {
    description:
      'A page of notifications. `nextCursor` leads to the next page, and is null on the last.',
    body: pageOf(Notification),
    example: { items: [exampleNotification], nextCursor: null },
  },
  example: { orderId: exampleNotification.orderId, limit: 50 },
})
