import { reaction } from '@semel/contract'
import { notificationWanted } from '@semel/contracts/orders'

/** What a wanted notification becomes. */
export const wanted = reaction(notificationWanted)
