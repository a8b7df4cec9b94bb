import { type Pool, queryable } from '@semel/postgres'

/**
 * What tells a database from every other one: its server's and its own number. A replica that takes
 * over has the same; one that was restored from a dump has another.
 *
 * @throws {DatabaseUnavailable}
 */
export async function databaseIdentity(pool: Pool): Promise<string> {
  const { rows } = await queryable(pool).query<{ identity: string }>({
    text: `select system_identifier || '-' || oid as identity
             from pg_control_system(), pg_database where datname = current_database()`,
  })
  return rows[0]!.identity
}
