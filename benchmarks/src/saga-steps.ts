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
export const secondsAround = 4

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

/** A measurement of a whole system: under the full load, or at a rate that is known by then. */
export type SagaMeasurement = Readonly<{
  name: SagaRowName
  round: number
  label: string
  open: () => Promise<SagaContender>
  /** Requests a second. Undefined: as many as are answered, and `settled` is told of the sagas. */
  rateOf: (() => number) | undefined
  settled: (rate: number) => void
}>

/** The step that makes a measurement. */
export function measuredSaga(
  { seconds, connections }: SagaOptions,
  { databases, driver, findings }: Pick<SagaWorkshop, 'databases' | 'driver' | 'findings'>,
  { name, round, label, open, rateOf, settled }: SagaMeasurement,
): Step {
  return {
    label,
    seconds: seconds * (rateOf === undefined ? 2 : 1) + secondsAround,
    async run() {
      const rate = rateOf === undefined ? {} : { rate: rateOf() }
      const wanted = { connections, seconds, run: `${name}-${round}`, ...rate }
      const ran = await runSaga(databases, await open(), driver, wanted)
      if (rateOf === undefined) settled(ran.sample.rate)
      findings.found({ name }, ran.sample)
      findings.checked(label, ran.faults)
    },
  }
}

function roundOf(round: number, options: SagaOptions, workshop: SagaWorkshop): Step[] {
  const { rounds, seconds, connections } = options
  const { databases, driver, findings } = workshop
  const end = `round ${round} of ${rounds}`
  let settledRate = 1
  const step = (name: SagaRowName, what: string, rateOf?: () => number): Step =>
    measuredSaga(options, workshop, {
      ...{ name, round, label: `${what}, ${end}`, open: workshop.saga, rateOf },
      settled: (rate) => {
        settledRate = rate
      },
    })
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
