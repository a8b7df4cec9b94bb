import {
  type Command,
  createExecutor,
  type Executor,
  type ExecutorOptions,
  processReplayCache,
  type Scope,
  type Sweep,
  startSweeper,
  sweepCommands,
} from '@semel/commands'
import type {
  AnyCommandContract,
  AnyOperationContract,
  AnyQueryContract,
  ParametersOf,
} from '@semel/contract'
import type { AnsweredQuery, Face, MountedQuery, QueryAnswer } from './face.ts'
import type { Route } from './mount.ts'

/** What a service is made of: what its executor is made of, and what it shows besides. */
export type ServiceOptions<State, C extends Command, Tx> = Omit<
  ExecutorOptions<State, C, Tx>,
  'contracts' | 'source'
> &
  Readonly<{
    /** Names it in what it tells, in the OpenAPI document and in what readiness says. */
    name: string
    /** What it can be asked over HTTP. */
    contracts: readonly AnyCommandContract[]
    /** What it does about events. Default: nothing. */
    reactions?: readonly AnyOperationContract[]
    /** What can be asked. Default: nothing. */
    queries?: readonly MountedQuery[]
    /** What other services ask of it; each judges its callers itself. Default: nothing. */
    internalRoutes?: readonly Route[]
    /** Starts what feeds the executor from topics; ended before it. Default: nothing does. */
    consume?: (executor: Executor<Tx>) => Readonly<{ stop(): Promise<void> }>
    /** What is swept once a minute. Default: the command log, as `sweepCommands` does it. */
    sweeps?: readonly Sweep[]
  }>

/** A service: what it shows to the outside, and to other services, and how it ends. */
export type Service = Face &
  Readonly<{ executor: Executor; internalRoutes: readonly Route[]; stop(): Promise<void> }>

/**
 * Makes a service: an executor behind a replay cache in this process, a sweeper, and the face of
 * both. `stop` takes no more commands, and resolves when those taken are decided.
 *
 * The store's tables and those of the repository must be there.
 */
export function createService<State, C extends Command, Tx>(
  options: ServiceOptions<State, C, Tx>,
): Service {
  const { name, contracts, reactions = [], queries = [], consume, sweeps, ...rest } = options
  const { internalRoutes = [], ...parts } = rest
  const executor = createExecutor({
    cache: processReplayCache(),
    source: name,
    ...parts,
    contracts: [...contracts, ...reactions],
  })
  const usualSweeps: readonly Sweep[] = [(signal) => sweepCommands(parts.store, {}, signal)]
  const sweeper = startSweeper(sweeps ?? usualSweeps, { report: parts.report })
  const consumer = consume?.(executor)
  return {
    name,
    executor,
    commands: contracts.map((contract) => ({ contract, executor })),
    queries,
    internalRoutes,
    async ready() {
      if (!executor.hasRoom()) throw new Error('the queue of commands is full')
      await parts.store.probe()
    },
    async stop() {
      await consumer?.stop()
      await executor.close()
      await sweeper.stop()
    },
  }
}

/** Says who answers a query; the parameters have the types that its contract gives them. */
export function mountQuery<Contract extends AnyQueryContract>(
  contract: Contract,
  answer: (caller: Scope, parameters: ParametersOf<Contract>) => Promise<QueryAnswer>,
): AnsweredQuery {
  return { contract, answer }
}
