import type { Contender } from './contender.ts'
import { openContender } from './contenders.ts'
import { openDatabases } from './databases.ts'
import { createFindings } from './findings.ts'
import { describeMachine } from './machine.ts'
import { nodeDriver } from './paced.ts'
import { runSteps } from './progress.ts'
import { openSaga, type SagaContender } from './saga-contender.ts'
import { type SagaReport, type SagaRowName, type SagaSample, sagaTargets } from './saga-report.ts'
import { type SagaOptions, sagaSteps } from './saga-steps.ts'
import { findWrk } from './wrk.ts'

/**
 * The question: how many orders does the whole system settle (placed, charged for, decided, told
 * of) beside what a careless handler creates and does no more about, and how soon is a user told?
 * Measures both in turns, and checks the invariants after every run. Leaves nothing behind.
 */
export async function saga(
  options: SagaOptions,
  { screen, signal }: { screen: NodeJS.WriteStream; signal: AbortSignal },
): Promise<SagaReport> {
  const startedAt = new Date()
  const say = (line: string) => screen.write(`${line}\n`)
  const databases = await openDatabases(say, { keepsCommitTimes: true })
  const opened: { careless?: Promise<Contender>; saga?: Promise<SagaContender> } = {}
  try {
    const machine = await describeMachine(databases)
    const wrk = await findWrk()
    const driver = wrk ?? nodeDriver
    const findings = createFindings<{ name: SagaRowName }, SagaSample>()
    const careless = () => {
      const usual = { databases, driver, logRows: 0, onFilled: () => undefined }
      const { warmUpSeconds } = options
      opened.careless ??= openContender('careless', { ...usual, warmUpSeconds })
      return opened.careless
    }
    const whole = () => {
      opened.saga ??= openSaga(databases)
      return opened.saga
    }
    const workshop = { databases, driver, findings, careless, saga: whole }
    await runSteps(sagaSteps(options, workshop), { screen, signal })
    const rows = findings.rows()
    return {
      startedAt: startedAt.toISOString(),
      tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      machine,
      options,
      driver: driver.name,
      rows,
      targets: sagaTargets(rows),
      checks: findings.checks(),
      faults: findings.faults(),
      skipped: wrk ? [] : ['wrk is not installed: node drove everything, and needs more of a core'],
    }
  } finally {
    const servers = await Promise.allSettled([opened.careless, opened.saga])
    const [careless, whole] = servers
    if (careless.status === 'fulfilled') await careless.value?.stop()
    if (whole.status === 'fulfilled') await whole.value?.stop()
    await databases.close()
  }
}
