import { whatKafkaLacks } from '@semel/parts/kafka'
import { apartSteps } from './apart-steps.ts'
import { openDatabases } from './databases.ts'
import { createFindings } from './findings.ts'
import { describeMachine } from './machine.ts'
import { nodeDriver } from './paced.ts'
import { runSteps } from './progress.ts'
import { openApart } from './saga-apart.ts'
import { openSaga, type SagaContender } from './saga-contender.ts'
import { apartTargets, type SagaReport, type SagaRowName, type SagaSample } from './saga-report.ts'
import type { SagaOptions } from './saga-steps.ts'
import { findWrk } from './wrk.ts'

/**
 * The question: what does it cost to run the services apart, each in a process and on a database of
 * its own, with Kafka between them? Settles the same load in one process and apart, in turns, and
 * checks the invariants after every run. Without Kafka nothing is measured. Leaves nothing behind.
 */
export async function apart(
  options: SagaOptions,
  { screen, signal }: { screen: NodeJS.WriteStream; signal: AbortSignal },
): Promise<SagaReport> {
  const startedAt = new Date()
  const say = (line: string) => screen.write(`${line}\n`)
  const databases = await openDatabases(say, { keepsCommitTimes: true })
  const opened = new Map<string, Promise<SagaContender>>()
  const once = (name: string, open: typeof openSaga) => () => {
    const contender = opened.get(name) ?? open(databases)
    opened.set(name, contender)
    return contender
  }
  try {
    const machine = await describeMachine(databases)
    const wrk = await findWrk()
    const lacks = whatKafkaLacks()
    const driver = wrk ?? nodeDriver
    const findings = createFindings<{ name: SagaRowName }, SagaSample>()
    const workshop = {
      ...{ databases, driver, findings, saga: once('saga', openSaga) },
      apart: once('apart', openApart),
    }
    const steps = lacks === undefined ? apartSteps(options, workshop) : []
    await runSteps(steps, { screen, signal })
    const rows = findings.rows()
    return {
      startedAt: startedAt.toISOString(),
      tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      machine,
      options,
      driver: driver.name,
      rows,
      targets: apartTargets(rows),
      checks: findings.checks(),
      faults: findings.faults(),
      skipped: [
        ...(wrk ? [] : ['wrk is not installed: node drove everything, and needs more of a core']),
        ...(lacks === undefined ? [] : [`all: ${lacks}`]),
      ],
    }
  } finally {
    for (const one of await Promise.allSettled(opened.values())) {
      if (one.status === 'fulfilled') await one.value.stop()
    }
    await databases.close()
  }
}
