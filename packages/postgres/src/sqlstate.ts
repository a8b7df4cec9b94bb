/** The SQLSTATE of an error that PostgreSQL reported, or that was caused by one. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  if (typeof code === 'string' && severity !== undefined) return code
  return sqlStateOf(error.cause)
}

/** Somebody else was first: the transaction is run again from its start. */
export function conflictOf(sqlState: string | undefined): 'conflict' | 'duplicate' | undefined {
  if (sqlState === '23505') return 'duplicate'
  return sqlState === '40001' || sqlState === '40P01' ? 'conflict' : undefined
}

/**
 * The data of some command cannot be written: class 22 (data exception), 23 (integrity
 * constraint), 54 (program limit). No retry helps that command; others are not to blame.
 */
export function refusesData(sqlState: string | undefined): boolean {
  return sqlState !== undefined && /^(22|23|54)/.test(sqlState)
}

/** The session is not usable as it is: a plan or a prepared statement that no longer fits. */
export function wantsFreshSession(sqlState: string | undefined): boolean {
  return sqlState === '0A000' || sqlState === '26000' || sqlState === '42P05'
}

/**
 * Whether an error that answered COMMIT says for certain that nothing was committed. A lost
 * connection, a shutdown or a time-out says nothing of the sort.
 */
export function provesRollback(sqlState: string | undefined): boolean {
  return sqlState !== undefined && /^(23|40001|40P01|25)/.test(sqlState)
}

/**
 * Whether an error is one of the connection or of the server, not of the statement: no SQLSTATE at
 * all, or class 08 (connection), 53 (resources), 57 (operator intervention), 58 (system).
 */
export function isOfConnection(sqlState: string | undefined): boolean {
  return sqlState === undefined || /^(08|53|57|58)/.test(sqlState)
}
