import { DatabaseUnavailable } from './database-unavailable.ts'
import { type Pool, type Queryable, send } from './pool.ts'

/** One connection, kept; for what lives as long as it: advisory locks and settings. */
export type Session = Queryable &
  Readonly<{
    /** Resolves with the reason when the connection is lost, or given up; not when closed. */
    lost: Promise<unknown>
    /** Declares it lost: whoever holds something by it is told, and the server ends it. */
    giveUp(reason: unknown): void
    /** Ends the connection, and with it all that it held. */
    close(): void
  }>

/**
 * Takes a connection out of a pool and keeps it. A backend that dies resolves `lost` and never ends
 * the process. The pool has one connection less meanwhile, and cannot end before it is closed.
 *
 * @throws {DatabaseUnavailable} also from `query`, when the server is away or ends the session.
 */
export async function openSession(pool: Pool): Promise<Session> {
  const client = await pool.connect().catch((error: unknown) => {
    throw new DatabaseUnavailable('none', error)
  })
  const { promise: lost, resolve: lose } = Promise.withResolvers<unknown>()
  let isOpen = true
  const close = () => {
    if (!isOpen) return
    isOpen = false
    client.release(true)
  }
  const giveUp = (reason: unknown) => {
    if (isOpen) lose(reason)
    close()
  }
  client.on('error', giveUp)
  client.on('end', () => giveUp(new Error('the server ended the session')))
  return {
    lost,
    giveUp,
    close,
    async query(statement) {
      if (!isOpen) throw new DatabaseUnavailable('none', new Error('the session is over'))
      return await send(client, statement)
    },
  }
}
