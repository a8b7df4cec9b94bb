import pg from 'pg'
import { DatabaseUnavailable } from './database-unavailable.ts'
import { isOfConnection, sqlStateOf } from './sqlstate.ts'

/** Where a server is: a URL, or the parts of one. */
export type Connection =
  | Readonly<{ url: string }>
  | Readonly<{ host: string; user: string; database: string; port?: number; password?: string }>

/** Limits of a pool. */
export type PoolOptions = Readonly<{
  connection: Connection
  /** Connections at once. Default 8: batches need few. */
  connectionsMax?: number
  /** How long to wait for a connection, in milliseconds. Default 2,000. */
  connectTimeoutMs?: number
  /** How long a statement may take, in milliseconds, judged by the server. Default 10,000. */
  statementTimeoutMs?: number
  /** Shown in `pg_stat_activity`. Default `semel`. */
  name?: string
}>

/** A pool of pipelined connections. */
export type Pool = pg.Pool

/** A statement: values only ever as parameters; named ones are prepared once per connection. */
export type Statement = Readonly<{ name?: string; text: string; values?: readonly unknown[] }>

/** Rows that came back, and how many were touched. */
export type Rows<Row> = Readonly<{ rows: readonly Row[]; rowCount: number }>

/** Anything that statements can be sent to. */
export interface Queryable {
  query<Row extends object>(statement: Statement): Promise<Rows<Row>>
}

const int8 = 20

/**
 * Makes a pool. No connection is opened before it is needed, and a connection that breaks never
 * ends the process.
 *
 * Plans avoid sequential scans: a statement planned on an empty table would otherwise keep scanning
 * it for the life of the connection, however much the table grows.
 */
export function createPool(options: PoolOptions): Pool {
  const { connection, connectionsMax = 8, connectTimeoutMs = 2000 } = options
  const { statementTimeoutMs = 10_000, name = 'semel' } = options
  const pool = new pg.Pool({
    ...('url' in connection ? { connectionString: connection.url } : connection),
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    pipeline: true,
    application_name: name,
    options: '-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c jit=off',
    statement_timeout: statementTimeoutMs,
    // Half: who waits for a lock of a process that hangs gets it before their own time is up.
    idle_in_transaction_session_timeout: Math.ceil(statementTimeoutMs / 2),
    // The server did not even say that it timed out: it hangs, or the network does.
    query_timeout: statementTimeoutMs + 2000,
    types: { getTypeParser: parserOf },
  } as pg.PoolConfig)
  // A backend that is killed raises an error on its client; unheard, it would end the process. Who
  // uses the client learns of it from the statement that fails.
  const ignore = () => {}
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

/**
 * Sends single statements outside of any transaction; for reading.
 *
 * @throws {DatabaseUnavailable} from `query`, when the server is away or ends the session.
 */
export function queryable(pool: Pool): Queryable {
  return {
    async query(statement) {
      try {
        return await send(pool, statement)
      } catch (error) {
        if (isOfConnection(sqlStateOf(error))) throw new DatabaseUnavailable('none', error)
        throw error
      }
    },
  }
}

/** Sends a statement to a pool or to one of its clients. */
export async function send<Row extends object>(
  to: { query(config: pg.QueryConfig): Promise<pg.QueryResult> },
  { name, text, values = [] }: Statement,
): Promise<Rows<Row>> {
  const result = await to.query({ ...(name ? { name } : {}), text, values: [...values] })
  return { rows: result.rows, rowCount: result.rowCount ?? 0 }
}

/** `int8` as a number where it is a safe integer; beyond, refused: amounts are never rounded. */
function parserOf(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid !== int8 || format === 'binary') return pg.types.getTypeParser(oid, format as 'text')
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is no safe integer`)
    return value
  }
}
