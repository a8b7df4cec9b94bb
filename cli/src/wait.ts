import { createWhenThere, type WhenThere } from '@semel/runtime'

/** Waits so many seconds for what may come yet, and says what for. */
export function waitingUpTo(seconds: number): WhenThere {
  return createWhenThere({
    waitMs: seconds * 1000,
    say: (line) => void process.stderr.write(`semel: ${line}\n`),
  })
}
