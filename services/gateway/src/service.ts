import {
  type CallerOptions,
  createIdentify,
  createServer,
  type Server,
  type ServerOptions,
} from '@semel/http'

/** What the gateway is made with: a server's parts and limits, and how its callers are known. */
export type GatewayOptions = Omit<ServerOptions, 'identify'> & Readonly<{ callers: CallerOptions }>

/** The one door: it knows the callers, and mounts every contract. It lists no routes. */
export function createGateway({ callers, ...options }: GatewayOptions): Promise<Server> {
  return createServer({ ...options, identify: createIdentify(callers) })
}
