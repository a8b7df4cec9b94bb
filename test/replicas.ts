import type { Pool } from '@semel/postgres'
import { openTestDatabase, type TestDatabase } from '@semel/postgres/testing'
import { tokenSecret } from './client.ts'
import { openProduct, type Product } from './product.ts'

/** Several processes of the product on one database. */
export type Replicas = Readonly<{
  database: TestDatabase
  products: readonly Product[]
  urls: readonly string[]
  close(): Promise<void>
}>

/** Starts them all at once on an empty database, knowing callers by token. Who opens, closes. */
export async function openReplicas(count: number): Promise<Replicas> {
  const database = await openTestDatabase([])
  const env = { DATABASE_URL: databaseUrl(database), AUTH_JWT_SECRET: tokenSecret }
  const products = await Promise.all(Array.from({ length: count }, () => openProduct(env)))
  return {
    database,
    products,
    urls: products.map(({ url }) => url),
    async close() {
      await Promise.all(products.map((product) => product.close()))
      await database.close()
    },
  }
}

/** A test's database as DATABASE_URL names it; `server`: another way to the same server. */
export function databaseUrl(
  { connection }: Pick<TestDatabase, 'connection'>,
  server: { host: string; port?: number } = connection,
): string {
  const where = new URLSearchParams({ host: server.host, port: String(server.port ?? 5432) })
  return `postgresql://${connection.user}@/${connection.database}?${where}`
}

/** What clients' commands on orders left in the tables: of all of them, or of one user. */
export async function tracesOf(
  pool: Pool,
  userId?: string,
): Promise<{ orders: number; commands: number; messages: number }> {
  const { rows } = await pool.query(
    `select (select count(*)::integer from orders where $1::text is null or user_id::text = $1)
              as orders,
            (select count(*)::integer from commands
              where scope not like '@%' and ($1 is null or scope = '-/user:' || $1)) as commands,
            (select count(*)::integer from outbox
              where type = 'charge-wanted' and ($1 is null or scope = '-/user:' || $1))
              as messages`,
    [userId ?? null],
  )
  return rows[0]
}
