import { type RedisServer, startRedis, whatRedisLacks } from '@semel/parts/redis'
import { autocannonDriver } from './autocannon.ts'
import type { Contender } from './contender.ts'
import { type ContenderName, openContender } from './contenders.ts'
import { type CreateOptions, createSteps } from './create-steps.ts'
import { openDatabases } from './databases.ts'
import { createFindings } from './findings.ts'
import { describeMachine } from './machine.ts'
import { openPgbench } from './pgbench.ts'
import { runSteps } from './progress.ts'
import { type Report, type Row, type Sample, type Section, targetsOf } from './report.ts'
import { findWrk } from './wrk.ts'

/**
 * What creates and their repeats answer: what does a create cost that happens exactly once, beside
 * what it is usually done with, and what do more processes on one database bring? Starts a
 * PostgreSQL of its own and one server after the other, measures them in turns, and checks after
 * every run that nothing was lost or doubled. Leaves nothing behind.
 */
export async function create(
  options: CreateOptions,
  { screen, signal }: { screen: NodeJS.WriteStream; signal: AbortSignal },
): Promise<Report> {
  const startedAt = new Date()
  const databases = await openDatabases((line) => screen.write(`${line}\n`))
  const contenders = new Map<ContenderName, Promise<Contender>>()
  let redis: RedisServer | undefined
  try {
    const pgbench = await openPgbench(databases)
    const machine = await describeMachine(databases)
    const wrk = await findWrk()
    const driver = wrk ?? autocannonDriver
    const findings = createFindings<Omit<Row, 'samples'>, Sample>()
    const lacks = whatRedisLacks()
    const needsRedis = options.sections.some((name) => redisSections.includes(name))
    if (needsRedis && lacks === undefined) redis = await startRedis()
    const redisUrl = redis?.url
    const open = (name: ContenderName, say: (detail: string) => void) => {
      const onFilled = (rows: number) => say(`${rows.toLocaleString('en')} rows`)
      const contender =
        contenders.get(name) ??
        openContender(name, { ...options, databases, driver, onFilled, redisUrl })
      contenders.set(name, contender)
      return contender
    }
    const workshop = { databases, driver, autocannon: autocannonDriver, open, pgbench, findings }
    // Where autocannon drives everything, a table of its own would only repeat the others.
    const sections = options.sections.filter(
      (name) =>
        (wrk !== undefined || name !== 'autocannon') &&
        (lacks === undefined || !redisSections.includes(name)),
    )
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
        ...(needsRedis && lacks !== undefined ? [`${redisSections.join(', ')}: ${lacks}`] : []),
      ],
    }
  } finally {
    const opened = await Promise.allSettled(contenders.values())
    for (const one of opened) if (one.status === 'fulfilled') await one.value.stop()
    await redis?.kill()
    await databases.close()
  }
}

/** The parts that need a Redis. */
const redisSections: readonly Section[] = ['redis-creates', 'repeats-elsewhere']

const withoutPgbench = '(c): pgbench is not installed (it comes with PostgreSQL)'
