import { testDatabase } from '@semel/postgres/testing'
import { databaseIdentity } from '@semel/topics'
import { expect, it } from 'vitest'

it('a database is told from others on its server, by whoever may connect to it', async () => {
  const [one, other] = await Promise.all([testDatabase([]), testDatabase([])])
  const plain = one.anotherPool({ connectionsMax: 1 })
  await plain.query('set role pg_read_all_settings')

  const identity = await databaseIdentity(one.pool)

  expect(await databaseIdentity(plain)).toBe(identity)
  expect(await databaseIdentity(other.pool)).not.toBe(identity)
  expect(identity).toMatch(/^\d+-\d+$/)
})
