import type { EmbeddedConnection } from '@semel/postgres/embedded'
import { type Databases, withClient } from './databases.ts'
import { fillLog } from './product-sql.ts'

const sessions = 2
const rowsPerStatement = 125_000

/**
 * Fills a command log with the creates of the last day, its indexes in place, so that they grow as
 * they do in use; then lets PostgreSQL settle, as it has long done in a log that grew for a day.
 */
export async function fillCommandLog(
  { admin }: Databases,
  connection: EmbeddedConnection,
  { rows, onFilled }: { rows: number; onFilled(filled: number): void },
): Promise<void> {
  // Filling is not what is measured; afterwards the server has its own settings again.
  await admin.query("alter system set max_wal_size = '16GB'")
  await admin.query('select pg_reload_conf()')
  let next = 0
  let filled = 0
  const fillOn = () =>
    withClient(connection, async (client) => {
      await client.query('set synchronous_commit = off')
      while (next < rows) {
        const first = next
        next = Math.min(rows, first + rowsPerStatement)
        const last = next
        await client.query(fillLog, [first + 1, last, rows])
        filled += last - first
        onFilled(filled)
      }
    })
  await Promise.all(Array.from({ length: sessions }, fillOn))
  await admin.query('alter system reset max_wal_size')
  await admin.query('select pg_reload_conf()')
  await withClient(connection, (client) => client.query('vacuum analyze commands'))
  await admin.query('checkpoint')
}
