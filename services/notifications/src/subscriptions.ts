import { notificationWanted } from '@semel/contracts/orders'
import { reactsTo, type Subscription } from '@semel/topics'

/** What notifications read: what orders want their users to be told. */
export const subscriptions: readonly Subscription[] = [reactsTo(notificationWanted)]
