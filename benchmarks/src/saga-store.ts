import { migrations as billing } from '@semel/billing'
import { runChecks } from '@semel/cli/src/check/check.ts'
import { checks } from '@semel/cli/src/check/checks.ts'
import { migrations as messages } from '@semel/messages'
import { migrations as notifications } from '@semel/notifications'
import { migrations as orders } from '@semel/orders'
import { createPool, migrate } from '@semel/postgres'
import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { waitUntilQuiet } from './check.ts'
import type { Databases } from './databases.ts'
import { type SagaCounted, violationFaults } from './saga-check.ts'
import {
  postgresCounters,
  sagaClear,
  sagaCount,
  sagaLag,
  sagaLatency,
  sagaTook,
} from './saga-sql.ts'

/** The database of the whole system. */
export type SagaStore = Readonly<{
  connection: EmbeddedConnection
  /** Takes out what runs have left; nobody has money then. */
  clear(): Promise<void>
  /** Waits until every group has read everything, and nothing more comes. */
  settle(): Promise<void>
  count(): Promise<SagaCounted>
  /** What `semel check` finds. */
  violations(): Promise<readonly string[]>
  took(): Promise<Readonly<{ settledSeconds: number; registeredSeconds: number }>>
  /** From when requests were due, at a rate; else from when they arrived. */
  latency(paced?: Paced): Promise<Readonly<{ p50Ms: number; p99Ms: number }>>
  counters(): Promise<Readonly<{ transactions: number; walBytes: number }>>
}>

/** When a load at a rate began, in milliseconds since 1970, and how many a second it sent. */
export type Paced = Readonly<{ startedAtMs: number; rate: number }>

const pollIntervalMs = 50
const quietPolls = 4
const settleLimitMs = 120_000

/** Makes the database of the whole system. */
export async function sagaStore(databases: Databases): Promise<SagaStore> {
  const connection = await databases.make('saga')
  const pool = createPool({ connection })
  await migrate(pool, [...new Set([...orders, ...billing, ...notifications, ...messages])]).finally(
    () => pool.end(),
  )
  const client = await databases.connect(connection)
  const row = async (text: string, values: unknown[] = []) => {
    return (await client.query(text, values)).rows[0]
  }
  return {
    connection,
    async clear() {
      for (const statement of sagaClear.split(';')) await client.query(statement)
    },
    async settle() {
      const deadlineMs = performance.now() + settleLimitMs
      for (let quiet = 0; quiet < quietPolls; ) {
        quiet = (await row(sagaLag)).lag === 0 ? quiet + 1 : 0
        if (performance.now() > deadlineMs) throw new Error('orders do not settle')
        await new Promise((resolve) => setTimeout(resolve, pollIntervalMs))
      }
      await waitUntilQuiet(databases.admin, connection.database)
    },
    count: () => row(sagaCount),
    async violations() {
      const asking = createPool({ connection, connectionsMax: 1 })
      const { checks: reports } = await runChecks(asking, checks).finally(() => asking.end())
      return violationFaults(reports)
    },
    took: () => row(sagaTook),
    latency: (paced) => row(sagaLatency, [paced?.startedAtMs ?? null, paced?.rate ?? null]),
    counters: () => row(postgresCounters),
  }
}
