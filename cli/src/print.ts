import { printable } from '@semel/runtime'

/** A value as it is shown: nothing is shown as a dash. */
export type Cell = string | number | Date | null | undefined

/**
 * Rows as a table for people: a heading, columns as wide as they need to be, numbers to the right.
 * No rows at all are said in words.
 */
export function tableOf(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  none = '',
): string {
  if (rows.length === 0) return `${none}\n`
  const texts = rows.map((row) => row.map(shown))
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...texts.map((row) => row[at]?.length ?? 0)),
  )
  const isNumber = columns.map((_, at) => rows.every((row) => typeof row[at] === 'number'))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  return `${[columns, ...texts].map(line).join('\n')}\n`
}

/** A value for programs: one JSON document, with a line break at its end. */
export function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** A count with its word: `1 letter`, `2 letters`. */
export function counted(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`
}

/** The beginning of a text that would break a table. */
export function shortened(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`
}

function shown(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-'
  return cell instanceof Date ? cell.toISOString() : printable(String(cell))
}
