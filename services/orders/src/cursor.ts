const prefix = 'before '

/** Writes the place in a list where the next page begins, so that nobody builds on its form. */
export function writeCursor(number: number): string {
  return Buffer.from(`${prefix}${number}`).toString('base64url')
}

/** Reads a cursor; undefined for anything that {@link writeCursor} did not write. */
export function readCursor(cursor: string): number | undefined {
  const text = Buffer.from(cursor, 'base64url').toString()
  const number = Number(text.slice(prefix.length))
  const isOurs = Number.isSafeInteger(number) && number > 0 && writeCursor(number) === cursor
  return isOurs ? number : undefined
}
