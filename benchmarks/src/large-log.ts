import type { EmbeddedConnection } from '@semel/postgres/embedded'
import type pg from 'pg'
import type { Databases } from './databases.ts'
import { fillLog } from './product-sql.ts'

const rowsPerStatement = 125_000

/**
 * Fills a command log with the creates of the last day, its indexes in place, so that they grow as
 * they do in use; then lets PostgreSQL settle, as it has long done in a log that grew for a day.
 */
export async function fillCommandLog(
  { admin, connect }: Databases,
  connection: EmbeddedConnection,
  { rows, onFilled }: { rows: number; onFilled(filled: number): void },
): Promise<void> {
  // Filling is not what is measured; afterwards the server has its own settings again.
  await admin.query("alter system set max_wal_size = '16GB'")
  await admin.query('select pg_reload_conf()')
  let next = 0
  let filled = 0
  const fillOn = async (client: pg.Client) => {
    await client.query('set synchronous_commit = off')
    while (next < rows) {
      const first = next
      next = Math.min(rows, first + rowsPerStatement)
      const last = next
      await client.query(fillLog, [first + 1, last, rows])
      filled += last - first
      onFilled(filled)
    }
  }
  const clients = [await connect(connection), await connect(connection)]
  await Promise.all(clients.map(fillOn))
  await admin.query('alter system reset max_wal_size')
  await admin.query('select pg_reload_conf()')
  await clients[0]!.query('vacuum analyze commands')
  await admin.query('checkpoint')
}
