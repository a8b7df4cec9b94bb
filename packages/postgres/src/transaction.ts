import type pg from 'pg'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { type Pool, type Queryable, type Rows, type Statement, send } from './pool.ts'
import {
  conflictOf,
  provesRollback,
  refusesData,
  sqlStateOf,
  wantsFreshSession,
} from './sqlstate.ts'

declare const txBrand: unique symbol

/** Sessions in a row whose prepared statements no longer fit: each is replaced by a fresh one. */
const staleMax = 32

/** A transaction. Functions that must be inside one ask for this type, which no pool has. */
export interface Tx extends Queryable {
  /**
   * Sends a statement whose reply nobody needs. It takes effect before whatever is sent after it,
   * COMMIT included, and COMMIT does not wait for its reply: a round trip less. When it fails,
   * nothing is committed, and the transaction ends as if `work` had waited for it.
   *
   * For a statement whose rows decide anything use `query`; where their number does, `exactly`.
   * `onReply` hears the reply of one that succeeded; whether it is committed is not known then.
   * Nothing hangs on it: should it throw, the process is warned (`process.emitWarning`).
   *
   * @throws TypeError when the transaction is over.
   */
  send<Row extends object>(statement: Statement, onReply?: (reply: Rows<Row>) => void): void
  readonly [txBrand]: true
}

/** How often and how long a transaction is tried again. */
export type RetryLimits = Readonly<{
  /** Attempts that end in a conflict (`40001`, `40P01`). Default 8. */
  conflictsMax?: number
  /**
   * Attempts that end in a duplicate (`23505`). Default 3: who was first is seen by the next run;
   * what is still a duplicate then is one by its data.
   */
  duplicatesMax?: number
  /** Attempts whose connection broke before COMMIT was sent. Default 2. */
  breaksMax?: number
  /** How long to look for what became of an unknown COMMIT, in milliseconds. Default 10,000. */
  unknownMaxMs?: number
  /** A number from 0 to 1, for jitter. Default `Math.random`. */
  random?: () => number
}>

type Attempt<T> =
  | Readonly<{ end: 'committed'; value: T }>
  | Readonly<{ end: Uncommitted; cause: unknown }>

type Uncommitted =
  | 'conflict'
  | 'duplicate'
  | 'broken'
  | 'stale'
  | 'unknown'
  | 'unreachable'
  | 'failed'
  | 'thrown'

/**
 * Runs `work` in a transaction (READ COMMITTED) and commits. The only place that retries one.
 *
 * BEGIN travels with the first statements of `work`, and COMMIT with the last ones if they are sent
 * by {@link Tx.send}: to read and then to write takes two round trips. What the last ones come to
 * is known with the reply to COMMIT, and nothing is committed unless all of them succeeded.
 *
 * `work` may run several times: after a conflict (`23505`, `40001`, `40P01`), after a connection
 * that broke, and after a COMMIT whose reply was lost. In the last case the next run meets what the
 * first one left: a unique insert blocks on the old transaction while it lives, so the truth is
 * seen, not guessed.
 *
 * @throws {DatabaseUnavailable} when the database could not take it; tells what is known of it.
 * @throws what `work` threw where that was no failure of the connection: a bug, or an error of
 * SQLSTATE classes 22, 23 and 54 (data that cannot be written).
 */
export async function transaction<T>(
  pool: Pool,
  work: (tx: Tx) => Promise<T>,
  limits: RetryLimits = {},
): Promise<T> {
  const { conflictsMax = 8, duplicatesMax = 3, breaksMax = 2 } = limits
  const { unknownMaxMs = 10_000, random = Math.random } = limits
  const left = {
    conflict: conflictsMax,
    duplicate: duplicatesMax,
    broken: breaksMax,
    stale: staleMax,
  }
  let unknownSince: number | undefined
  for (let attempt = 1; ; attempt += 1) {
    const result = await attemptOnce(pool, work)
    if (result.end === 'committed') return result.value
    const { end, cause } = result
    if (end === 'unknown') unknownSince ??= performance.now()
    const mayRepeat = end in left && --left[end as keyof typeof left] > 0
    const seeking = unknownSince !== undefined && performance.now() - unknownSince < unknownMaxMs
    if (!mayRepeat && !(seeking && end !== 'thrown'))
      throw failure(end, cause, unknownSince !== undefined)
    await pause(Math.min(250, 2 ** attempt) * (0.5 + random() / 2))
  }
}

async function attemptOnce<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<Attempt<T>> {
  const connected = await connect(pool)
  if ('cause' in connected) return { end: 'unreachable', cause: connected.cause }
  const { client } = connected
  const faults: unknown[] = []
  const replies: Promise<unknown>[] = []
  let isOver = false
  const sent = <Row extends object>(statement: Statement) => {
    // A statement behind COMMIT or ROLLBACK would take effect by itself, and could not be undone.
    if (isOver) throw new TypeError('the transaction is over: await what is sent to it')
    const reply = send<Row>(client, statement)
    replies.push(reply.catch((error) => faults.push(error)))
    return reply
  }
  const tx = {
    query: async (statement) => sent(statement),
    send: (statement, onReply) => {
      const reply = sent(statement)
      if (onReply === undefined) return
      const hear = onReply as (rows: Rows<object>) => void
      // Unhandled, its error would end the process: after a commit, and before the answer.
      reply
        .then(hear, () => {})
        .catch((error) => {
          process.emitWarning(error instanceof Error ? error : String(error))
        })
    },
  } as Tx
  const begun = client.query('begin').catch((error) => {
    faults.push(error)
    // Nothing was begun: here, too, a statement would take effect by itself.
    isOver = true
  })
  replies.push(begun)
  const soFar = { replies, faults }
  try {
    const value = await work(tx)
    isOver = true
    await localFaults()
    if (faults.length === 0) return await commit(client, value, soFar)
    return await rollback(client, soFar, faults[0])
  } catch (error) {
    isOver = true
    return await rollback(client, soFar, error)
  }
}

/** What was sent: the replies, none of which rejects, and what failed of it, first come first. */
type Sent = Readonly<{ replies: readonly Promise<unknown>[]; faults: readonly unknown[] }>

/**
 * Resolves when every statement that could not even be sent has failed. The server would never see
 * it, and take a COMMIT behind it. The driver tells such faults in the next tick; when one more has
 * come, they have reached whoever waits for them.
 */
async function localFaults(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve))
  await new Promise<void>((resolve) => process.nextTick(resolve))
}

async function connect(pool: Pool): Promise<{ client: pg.PoolClient } | { cause: unknown }> {
  try {
    return { client: await pool.connect() }
  } catch (cause) {
    return { cause }
  }
}

/**
 * Never rejects. Behind a statement that failed COMMIT "succeeds" as ROLLBACK: the tag tells. Once
 * it is sent, a lost connection leaves open whether it arrived, whatever the statements before it
 * say: their replies were lost as well.
 */
async function commit<T>(client: pg.PoolClient, value: T, sent: Sent): Promise<Attempt<T>> {
  try {
    const { command } = await client.query('commit')
    await Promise.all(sent.replies)
    const [fault] = sent.faults
    if (command !== 'COMMIT') {
      const cause = fault ?? new Error(`COMMIT was answered by ${command}`)
      return rolledBack(client, [cause, ...sent.faults.slice(1)], cause)
    }
    client.release(fault !== undefined)
    if (fault === undefined) return { end: 'committed', value }
    // The driver, not the server, has something against a reply: the next run sees what is there.
    return { end: 'unknown', cause: fault }
  } catch (cause) {
    client.release(true)
    const sqlState = sqlStateOf(cause)
    if (!provesRollback(sqlState)) return { end: 'unknown', cause }
    return { end: conflictOf(sqlState) ?? 'failed', cause }
  }
}

async function rollback(
  client: pg.PoolClient,
  sent: Sent,
  error: unknown,
): Promise<Attempt<never>> {
  try {
    await client.query('rollback')
    await Promise.all(sent.replies)
  } catch {
    client.release(true)
    return { end: 'broken', cause: sent.faults[0] ?? error }
  }
  return rolledBack(client, sent.faults, error)
}

function rolledBack(
  client: pg.PoolClient,
  faults: readonly unknown[],
  error: unknown,
): Attempt<never> {
  const stale = faults.some((fault) => wantsFreshSession(sqlStateOf(fault)))
  client.release(stale)
  return { end: stale ? 'stale' : endOf(faults), cause: faults[0] ?? error }
}

/** The first statement that failed says why; those behind it only that the transaction had. */
function endOf(faults: readonly unknown[]): Uncommitted {
  if (faults.length === 0) return 'thrown'
  const sqlState = sqlStateOf(faults[0])
  return conflictOf(sqlState) ?? (refusesData(sqlState) ? 'thrown' : 'failed')
}

function failure(end: Uncommitted, cause: unknown, unknown: boolean): unknown {
  if (unknown) return new DatabaseUnavailable('unknown', cause)
  if (end === 'thrown' || end === 'duplicate') return cause
  return new DatabaseUnavailable('none', cause)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
