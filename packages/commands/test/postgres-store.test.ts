import { storeConformance } from '@semel/commands/conformance'
import { commandMigrations, postgresStore } from '@semel/commands/postgres'
import { openTestDatabase } from '@semel/postgres/testing'

storeConformance('the PostgreSQL store', async () => {
  const { pool, anotherPool, close } = await openTestDatabase([commandMigrations])
  return { store: postgresStore(pool), rival: postgresStore(anotherPool()), close }
})
