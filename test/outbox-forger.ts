import { randomUUID } from 'node:crypto'
import type { Pool } from '@semel/postgres'

/** A message as its row in the outbox, or in part: what is left out is that of an honest one. */
export type Forged = Readonly<{
  topic: string
  partitionKey: string
  type: string
  body: string
  partition?: number
  id?: string
  source?: string
  scope?: string
  /** As PostgreSQL reads it. Default: now. */
  time?: string
}>

/** Puts messages on topics past the product, in their order, as a hostile or faulty sender would. */
export async function forge(pool: Pool, messages: readonly Forged[]): Promise<void> {
  for (const message of messages) {
    const { topic, partitionKey, type, body, partition = 0, id = randomUUID() } = message
    const { source = 'orders', scope = '@orders', time = 'now' } = message
    await pool.query(
      `with head as (
         insert into heads (topic, partition, next) values ($1, $2, 1)
             on conflict (topic, partition) do update set next = heads.next + 1
         returning next)
       insert into outbox (topic, partition, position, id, partition_key, type, source, time,
                           scope, command_id, body)
       select $1, $2, next - 1, $3, $4, $5, $6, $9, $7, $3, $8 from head`,
      [topic, partition, id, partitionKey, type, source, scope, body, time],
    )
  }
}

/**
 * Sends all messages of a type once more, the last one first. `underNewIds`: as a sender would that
 * does not know that it has sent them.
 */
export async function sendAgain(
  pool: Pool,
  type: string,
  { underNewIds = false }: Readonly<{ underNewIds?: boolean }> = {},
): Promise<void> {
  const { rows } = await pool.query(
    `select topic, partition, partition_key as "partitionKey", type, source, scope, body, id
       from outbox where type = $1 order by topic, partition, position desc`,
    [type],
  )
  await forge(
    pool,
    rows.map(({ id, ...row }) => (underNewIds ? row : { ...row, id })),
  )
}
