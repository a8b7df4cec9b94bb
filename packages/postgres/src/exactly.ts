import type { Statement } from './pool.ts'

/**
 * A statement that changes rows, made to fail unless it changes as many as it should: with
 * SQLSTATE 22P02, in whose message is how many there were. For rows that were locked when they were
 * read: one that is not as it was then is a bug, not a race. COMMIT need not wait to know it, so
 * the statement can go by `Tx.send`. Its text is an INSERT, UPDATE or DELETE without RETURNING.
 */
export function exactly(rows: number, { text, values = [], ...named }: Statement): Statement {
  const wanted = `$${values.length + 1}::integer`
  return {
    ...named,
    text: `with touched as (${text} returning 1)
           select (count(*) || ' of ' || ${wanted} || ' rows were as they had been read')::integer
             from touched having count(*) <> ${wanted}`,
    values: [...values, rows],
  }
}
