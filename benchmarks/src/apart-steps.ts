import type { Step } from './progress.ts'
import { runSaga, type SagaContender } from './saga-contender.ts'
import type { SagaRowName } from './saga-report.ts'
import { measuredSaga, type SagaOptions, type SagaWorkshop, secondsAround } from './saga-steps.ts'

/** What the steps work with. */
export type ApartWorkshop = Omit<SagaWorkshop, 'careless'> &
  Readonly<{ apart(): Promise<SagaContender> }>

/** All that is to be done, in its order. */
export function apartSteps(options: SagaOptions, workshop: ApartWorkshop): Step[] {
  const { warmUpSeconds, rounds, connections } = options
  const { databases, driver, findings } = workshop
  const warmUp = (what: string, open: () => Promise<SagaContender>): Step => ({
    label: `starting and warming up ${what}`,
    seconds: warmUpSeconds * 2 + secondsAround + 5,
    async run() {
      const wanted = { connections, seconds: warmUpSeconds, run: 'warm-up' }
      const { faults } = await runSaga(databases, await open(), driver, wanted)
      findings.checked(`warm-up of ${what}`, faults)
    },
  })
  return [
    warmUp('(e) in one process', workshop.saga),
    warmUp('(f) apart', workshop.apart),
    ...Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
      roundOf(round, options, workshop),
    ),
  ]
}

/** Both in turn under the full load; then both at a tenth of what the slower one settled. */
function roundOf(round: number, options: SagaOptions, workshop: ApartWorkshop): Step[] {
  const { rounds, connections } = options
  const { saga, apart } = workshop
  const rates: number[] = []
  const step = (
    name: SagaRowName,
    what: string,
    open: () => Promise<SagaContender>,
    rateOf?: () => number,
  ): Step =>
    measuredSaga(options, workshop, {
      ...{ name, round, label: `${what}, round ${round} of ${rounds}`, open, rateOf },
      settled: (rate) => void rates.push(rate),
    })
  const tenth = () => Math.min(...rates) / 10
  return [
    step('saga', `(e) in one process, ${connections} connections`, saga),
    step('apart', `(f) apart, ${connections} connections`, apart),
    step('saga-tenth', '(e) in one process at a tenth', saga, tenth),
    step('apart-tenth', '(f) apart at a tenth', apart, tenth),
  ]
}
