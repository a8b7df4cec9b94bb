/** A part of a benchmark: what it does and about how long it takes, in seconds. */
export type Step = Readonly<{
  label: string
  seconds: number
  run(say: (detail: string) => void): Promise<void>
}>

type Screen = Pick<NodeJS.WriteStream, 'write' | 'isTTY'>

/**
 * Runs the steps in their order and shows which one runs, of how many, and what time is left: on a
 * terminal in one line that changes, elsewhere in a line for each.
 *
 * @throws the signal's reason, between two steps, when it is aborted.
 */
export async function runSteps(
  steps: readonly Step[],
  { screen, signal }: { screen: Screen; signal: AbortSignal },
): Promise<void> {
  const startMs = performance.now()
  const secondsInAll = steps.reduce((sum, { seconds }) => sum + seconds, 0)
  let secondsPlanned = 0
  for (const [index, { label, seconds, run }] of steps.entries()) {
    signal.throwIfAborted()
    const elapsed = (performance.now() - startMs) / 1000
    const pace = secondsPlanned > 0 ? elapsed / secondsPlanned : 1
    const left = timeText((secondsInAll - secondsPlanned) * pace)
    const line = `[${index + 1}/${steps.length}] ${label}`
    show(screen, `${line} · ${left} left`)
    await run((detail) => screen.isTTY && show(screen, `${line} · ${detail}`))
    secondsPlanned += seconds
  }
  if (screen.isTTY) screen.write('\r\u001b[2K')
}

function show(screen: Screen, line: string): void {
  screen.write(screen.isTTY ? `\r\u001b[2K${line}` : `${line}\n`)
}

function timeText(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
