import { type Command, guidOf } from '@semel/commands'
import { type AnyCommandContract, type Static, Type } from '@semel/contract'
import { type Answer, jsonAnswer } from './exchange.ts'

/**
 * Hands a command to the topic of its contract. Resolves when that is durable. Rejects when it is
 * not, with an error of `effect: 'none'`, or not known to be: then the command may be decided all
 * the same.
 */
export type Publish = (contract: AnyCommandContract, command: Command) => Promise<void>

/** What a client gets at once for a command that is decided later. */
export const Receipt = Type.Object({
  guid: Type.String({ format: 'uuid', examples: ['3f8a1c5e-7b2d-8e4f-9a6b-0c1d2e3f4a5b'] }),
  operation: Type.String({ examples: ['place-order'] }),
})

/** The receipt of a command: the same for every repeat of the same request. */
export function receiptFor(command: Command): Answer {
  const body: Static<typeof Receipt> = { guid: guidOf(command), operation: command.operation }
  return jsonAnswer(202, body, {
    location: `/messages/${body.guid}`,
    'preference-applied': 'respond-async',
    'cache-control': 'no-store',
  })
}
