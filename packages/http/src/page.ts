import type { QueryAnswer } from './face.ts'

const prefix = 'before '
const limitUsual = 50

/** What a page of a list is made of. */
export type PageParts<Item> = Readonly<{
  /** At most `limit` items whose number is below `below`, the highest number first. */
  select(wanted: { below: number; limit: number }): Promise<readonly Item[]>
  /** The number that a list is sorted by: a positive integer, another one for each item. */
  numberOf(item: Item): number
  /** An item as callers see it. */
  view(item: Item): object
}>

/**
 * Answers with a page of a list, newest first: `{ items, nextCursor }`, the cursor null on the last
 * page. Items that are added meanwhile move no page that was begun.
 *
 * `limit` is 50 where it is not given. A cursor that no list gave is `request-invalid`.
 */
export async function answerPage<Item>(
  { limit = limitUsual, cursor }: { limit?: number; cursor?: string },
  { select, numberOf, view }: PageParts<Item>,
): Promise<QueryAnswer> {
  const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(cursor)
  if (below === undefined) {
    const detail = 'is not a cursor that a list gave; leave it out to begin at the newest'
    return {
      problem: 'request-invalid',
      members: { errors: [{ in: 'query', pointer: '/cursor', detail }] },
    }
  }
  // One more than asked for says whether there is another page.
  const found = await select({ below, limit: limit + 1 })
  const items = found.slice(0, limit)
  const last = found.length > limit ? items.at(-1) : undefined
  return {
    body: {
      items: items.map(view),
      nextCursor: last === undefined ? null : writeCursor(numberOf(last)),
    },
  }
}

/** The place in a list where the next page begins, written so that nobody builds on its form. */
function writeCursor(number: number): string {
  return Buffer.from(`${prefix}${number}`).toString('base64url')
}

/** Reads a cursor; undefined for anything that {@link writeCursor} did not write. */
function readCursor(cursor: string): number | undefined {
  const text = Buffer.from(cursor, 'base64url').toString()
  const number = Number(text.slice(prefix.length))
  const isOurs = Number.isSafeInteger(number) && number > 0 && writeCursor(number) === cursor
  return isOurs ? number : undefined
}
