import type { AnyCommandContract } from '@semel/contract'
import {
  type CallerOptions,
  createIdentify,
  createServer,
  type Server,
  type ServerOptions,
} from '@semel/http'
import { commandMessage, type Transport } from '@semel/topics'

/** What the gateway is made with: a server's parts and limits, and how its callers are known. */
export type GatewayOptions = Omit<ServerOptions, 'identify' | 'publish'> &
  Readonly<{
    callers: CallerOptions
    /** Takes commands whose clients do not wait. Default: every client waits. */
    topics?: Pick<Transport, 'publish'>
  }>

/** The one door: it knows the callers, and mounts every contract. It lists no routes. */
export function createGateway({ callers, topics, ...options }: GatewayOptions): Promise<Server> {
  return createServer({
    ...options,
    identify: createIdentify(callers),
    ...(topics === undefined ? {} : { publish: publishTo(topics) }),
  })
}

function publishTo(topics: Pick<Transport, 'publish'>): NonNullable<ServerOptions['publish']> {
  return (contract: AnyCommandContract, command) =>
    topics.publish([
      commandMessage(contract, command, { source: 'gateway', time: command.receivedAt }),
    ])
}
