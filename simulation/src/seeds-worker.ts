import { parentPort } from 'node:worker_threads'
import { mutants } from './mutants.ts'
import { runSeeds } from './seeds.ts'

/** What a worker is asked: a range of seeds, and the deliberate bug to run them with. */
export type SeedsAsked = Readonly<{ from: number; count: number; mutant: string | undefined }>

// Nobody reads the stacks of faults that are injected, and they took a tenth of the time.
Error.stackTraceLimit = 0

parentPort?.on('message', ({ mutant, ...range }: SeedsAsked) => {
  // What rejects ends the worker, and the run with it.
  void runSeeds(range, mutant === undefined ? {} : mutants[mutant]).then((findings) =>
    parentPort?.postMessage(findings),
  )
})
