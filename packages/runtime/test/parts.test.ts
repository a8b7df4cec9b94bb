import type { Queryable } from '@semel/postgres'
import { testDatabase } from '@semel/postgres/testing'
import { createLifecycle } from '@semel/runtime'
import { topicMigrations } from '@semel/topics'
import { Type } from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { openParts, type PartsOptions } from '../src/parts.ts'

test('a database that goes away while a service starts is waited for', async () => {
  const { said, start } = await startOf({ waitMs: 30_000 })

  await start({ failures: 2 })

  expect(said).toEqual([expect.stringMatching(/^waiting up to 30 s: the database shop cannot be/)])
})

test('where nothing is waited for, the start is refused, and says what has gone', async () => {
  const { start } = await startOf({ waitMs: 0 })

  const refused = start({ failures: 2 })

  await expect(refused).rejects.toMatchObject({ code: 'database-unreachable' })
})

/** A service, and how often the database cuts the connection by which it is asked for its currency. */
async function startOf({ waitMs }: { waitMs: number }) {
  const { connection } = await testDatabase([topicMigrations])
  const said: string[] = []
  const lifecycle = createLifecycle({ waitMs, say: (line) => said.push(line) })
  onTestFinished(async () => void (await lifecycle.stop()))
  const options = {
    settings: {
      ...{ SEMEL_PARTITIONS: 1, SEMEL_KEPT_DAYS: 7, SEMEL_REMEMBERED_DAYS: 30 },
      SEMEL_CURRENCY: 'EUR',
    },
    database: { connection, name: 'shop' },
    ...{ migrates: false, topicNames: [], lifecycle, report: () => undefined },
  }
  const start = async ({ failures }: { failures: number }) => {
    let left = failures
    const currencyInUse = async (db: Queryable) => {
      left -= 1
      if (left >= 0) await db.query({ text: 'select pg_terminate_backend(pg_backend_pid())' })
      return 'EUR'
    }
    const service = { name: 'shop', stop: async () => undefined }
    const part = { name: 'shop', schema: Type.Object({}), migrations: [], currencyInUse }
    const parts = [{ ...part, create: () => service }]
    return openParts({ ...options, parts } as unknown as PartsOptions<object>)
  }
  return { said, start }
}
