import type { Carried, CarriedOutcome } from './carried.ts'
import type { Command } from './command.ts'
import type { Executor, Outcome } from './executor.ts'
import type { CommandEnd, ExecutorObserver } from './observer.ts'

/** An executor that tells how its commands end; of what is recalled, only what was decided. */
export function observedExecutor<Tx>(
  executor: Executor<Tx>,
  observe: Pick<ExecutorObserver, 'commandEnded'>,
): Executor<Tx> {
  async function told<Found extends Outcome | undefined>(
    { operation }: Command,
    ended: Promise<Found>,
  ): Promise<Found> {
    try {
      const outcome = await ended
      if (outcome !== undefined) observe.commandEnded(operation, endOf(outcome), false)
      return outcome
    } catch (error) {
      observe.commandEnded(operation, 'failed', false)
      throw error
    }
  }
  return {
    ...executor,
    submit: (command, options) => told(command, executor.submit(command, options)),
    recall: (command, options) => told(command, executor.recall(command, options)),
    async submitCarried(carried, readHolds) {
      const outcomes = await executor.submitCarried(carried, readHolds)
      tellCarried(observe, carried, outcomes)
      return outcomes
    },
  }
}

function endOf(outcome: Outcome): CommandEnd {
  switch (outcome.kind) {
    case 'answered':
      if (outcome.reused) return 'reused'
      return outcome.replayed ? 'replayed' : 'decided'
    case 'key-reused':
      return 'reused'
    case 'key-expired':
      return 'expired'
    default:
      return outcome.kind
  }
}

const carriedEnds: Partial<Record<CarriedOutcome['kind'], CommandEnd>> = {
  decided: 'decided',
  known: 'replayed',
  failed: 'failed',
  unavailable: 'unavailable',
}

/** What was only held back, or waits for its like, has not ended. */
function tellCarried(
  observe: Pick<ExecutorObserver, 'commandEnded'>,
  carried: readonly Carried[],
  outcomes: readonly CarriedOutcome[],
): void {
  for (const [index, { kind }] of outcomes.entries()) {
    const end = carriedEnds[kind]
    if (end !== undefined) observe.commandEnded(carried[index]!.command.operation, end, true)
  }
}
