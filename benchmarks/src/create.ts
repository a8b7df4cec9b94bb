import { autocannonDriver } from './autocannon.ts'
import type { Contender } from './contender.ts'
import { type ContenderName, openContender } from './contenders.ts'
import { type CreateOptions, createSteps } from './create-steps.ts'
import { openDatabases } from './databases.ts'
import { createFindings } from './findings.ts'
import { describeMachine } from './machine.ts'
import { openPgbench } from './pgbench.ts'
import { runSteps } from './progress.ts'
import { type Report, type Row, type Sample, targetsOf } from './report.ts'
import { findWrk } from './wrk.ts'

/**
 * The question: what does a create cost that happens exactly once, beside what it is usually done
 * with? Starts a PostgreSQL of its own and one server after the other, measures them in turns, and
 * checks after every run that nothing was lost or doubled. Leaves nothing behind.
 */
export async function create(
  options: CreateOptions,
  { screen, signal }: { screen: NodeJS.WriteStream; signal: AbortSignal },
): Promise<Report> {
  const startedAt = new Date()
  const databases = await openDatabases((line) => screen.write(`${line}\n`))
  const contenders = new Map<ContenderName, Promise<Contender>>()
  try {
    const pgbench = await openPgbench(databases)
    const machine = await describeMachine(databases)
    const wrk = await findWrk()
    const driver = wrk ?? autocannonDriver
    const findings = createFindings<Omit<Row, 'samples'>, Sample>()
    const open = (name: ContenderName, say: (detail: string) => void) => {
      const onFilled = (rows: number) => say(`${rows.toLocaleString('en')} rows`)
      const contender =
        contenders.get(name) ?? openContender(name, { ...options, databases, driver, onFilled })
      contenders.set(name, contender)
      return contender
    }
    const workshop = { databases, driver, autocannon: autocannonDriver, open, pgbench, findings }
    // Where autocannon drives everything, a table of its own would only repeat the others.
    const sections = options.sections.filter((name) => wrk !== undefined || name !== 'autocannon')
    await runSteps(createSteps({ ...options, sections }, workshop), { screen, signal })
    const rows = findings.rows()
    return {
      startedAt: startedAt.toISOString(),
      tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      machine,
      options,
      driver: driver.name,
      rows,
      targets: targetsOf(rows),
      checks: findings.checks(),
      faults: findings.faults(),
      skipped: [
        ...(wrk ? [] : ['wrk is not installed: autocannon drove everything, in one table']),
        ...(pgbench || !sections.includes('connections') ? [] : [withoutPgbench]),
      ],
    }
  } finally {
    const opened = await Promise.allSettled(contenders.values())
    for (const one of opened) if (one.status === 'fulfilled') await one.value.server.stop()
    await databases.close()
  }
}

const withoutPgbench = '(c): pgbench is not installed (it comes with PostgreSQL)'
