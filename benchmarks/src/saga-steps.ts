import { type Contender, runContender } from './contender.ts'
import type { Databases } from './databases.ts'
import type { Findings } from './findings.ts'
import type { Driver } from './load.ts'
import type { Step } from './progress.ts'
import { runSaga, type SagaContender } from './saga-contender.ts'
import type { SagaRowName, SagaSample } from './saga-report.ts'

/** How much is measured. */
export type SagaOptions = Readonly<{
  /** Each measurement is made so often, in turn with the others. */
  rounds: number
  /** How long load is put on for a measurement. */
  seconds: number
  connections: number
  warmUpSeconds: number
}>

/** What the steps work with, and where they put what they find. */
export type SagaWorkshop = Readonly<{
  databases: Databases
  driver: Driver
  /** Opened when they are first asked for. */
  careless(): Promise<Contender>
  saga(): Promise<SagaContender>
  findings: Findings<{ name: SagaRowName }, SagaSample>
}>

/** Clearing, deposits, waiting for rest, counting. */
const secondsAround = 3

/** All that is to be done, in its order. */
export function sagaSteps(options: SagaOptions, workshop: SagaWorkshop): Step[] {
  const { warmUpSeconds, rounds, connections } = options
  const { databases, driver } = workshop
  return [
    {
      label: 'starting and warming up (b) five statements a request',
      seconds: warmUpSeconds + 2,
      run: async () => void (await workshop.careless()),
    },
    {
      label: 'starting and warming up (e) the whole system',
      seconds: warmUpSeconds * 2 + secondsAround + 2,
      async run() {
        const wanted = { connections, seconds: warmUpSeconds, run: 'warm-up' }
        const { faults } = await runSaga(databases, await workshop.saga(), driver, wanted)
        workshop.findings.checked('warm-up', faults)
      },
    },
    ...Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
      roundOf(round, options, workshop),
    ),
  ]
}

function roundOf(round: number, options: SagaOptions, workshop: SagaWorkshop): Step[] {
  const { rounds, seconds, connections } = options
  const { databases, driver, findings } = workshop
  const end = `round ${round} of ${rounds}`
  let settledRate = 1
  const step = (name: SagaRowName, what: string, paceOf?: () => number): Step => {
    const label = `${what}, ${end}`
    return {
      label,
      seconds: seconds * (paceOf === undefined ? 2 : 1) + secondsAround,
      async run() {
        const rate = paceOf === undefined ? {} : { rate: paceOf() }
        const wanted = { connections, seconds, run: `${name}-${round}`, ...rate }
        const ran = await runSaga(databases, await workshop.saga(), driver, wanted)
        if (paceOf === undefined) settledRate = ran.sample.rate
        findings.found({ name }, ran.sample)
        findings.checked(label, ran.faults)
      },
    }
  }
  return [
    {
      label: `(b) creates, ${connections} connections, ${end}`,
      seconds: seconds + 1,
      async run() {
        const wanted = { connections, seconds, run: `careless-${round}`, keys: 0, isSkewed: true }
        const ran = await runContender(databases, await workshop.careless(), driver, wanted)
        const { rate, p50Ms, p99Ms } = ran.loaded
        findings.found({ name: 'careless' }, { rate, p50Ms, p99Ms })
        findings.checked(`careless, ${end}`, ran.faults)
      },
    },
    step('saga', `(e) sagas, ${connections} connections`),
    step('saga-half', '(e) sagas at half of that rate', () => settledRate / 2),
    step('saga-tenth', '(e) sagas at a tenth of that rate', () => settledRate / 10),
  ]
}
