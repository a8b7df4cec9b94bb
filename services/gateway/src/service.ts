import {
  type CallerOptions,
  createIdentify,
  createServer,
  type Face,
  type Server,
} from '@semel/http'

/** What the gateway is made with. */
export type GatewayOptions = Readonly<{
  callers: CallerOptions
  /** The services behind the door. In one process they are asked directly. */
  faces: readonly Face[]
  /** Whether a command would succeed now, and if not, why. */
  ready(): Promise<{ ready: boolean; faults: readonly string[] }>
  /** Told of every error that a client was answered 500 for. */
  report?: (error: unknown) => void
}>

/** The one door: it knows the callers, and mounts every contract of every face. It lists no routes. */
export function createGateway({ callers, ...options }: GatewayOptions): Promise<Server> {
  return createServer({ ...options, identify: createIdentify(callers) })
}
