import { transaction } from '@semel/postgres'
import { openTestDatabase } from '@semel/postgres/testing'
import { topicMigrations } from '@semel/topics'
import { outboxConformance } from '@semel/topics/conformance'
import { type PostgresTransport, postgresTransport } from '@semel/topics/postgres'

outboxConformance('the PostgreSQL transport', async () => {
  const { pool: shared, anotherPool, close } = await openTestDatabase([topicMigrations])
  const opened: PostgresTransport[] = []
  return {
    transport: (partitions = {}) => {
      const pool = anotherPool({ connectionsMax: 3 })
      const transport = postgresTransport({ pool, partitions, ownMs: 100 })
      opened.push(transport)
      return transport
    },
    commit: (work) => transaction(shared, work),
    async close() {
      await Promise.all(opened.map((transport) => transport.close()))
      await close()
    },
  }
})
