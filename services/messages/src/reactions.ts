import { type OperationContract, reaction, Type } from '@semel/contract'
import { messageAnswered } from '@semel/contracts/messages'

const { guid, operation, key, scope, request } = messageAnswered.body.properties
const input = Type.Object({
  ...{ guid, operation, scope },
  key: Type.Union([key, Type.Null()]),
  request: Type.Union([request, Type.Null()]),
})

/** A request of a client has ended: what the registry does about `message-answered`. */
export const requestEnded = reaction(messageAnswered)

const { outcome: _, response: __, ...example } = messageAnswered.example as Record<string, unknown>
const usual = {
  ...{ input, example, resource: undefined, etag: undefined, refusals: [] },
  accepted: requestEnded.accepted,
}

/** A topic carries a request of a client: what the registry does about every command message. */
export const requestSeen: OperationContract<'request-seen', typeof input> = {
  operation: 'request-seen',
  summary: 'A topic carries a request of a client',
  ...usual,
}

/** A request of a client was set aside: what the registry does about its dead letter. */
export const requestParked: OperationContract<'request-parked', typeof input> = {
  operation: 'request-parked',
  summary: 'A request of a client was set aside',
  ...usual,
}
