import { hash } from 'node:crypto'
import { canonicalJson } from '@semel/commands'
import type { AnyQueryContract } from '@semel/contract'
import type { QueryAnswer } from './face.ts'

const limitUsual = 50
/** Characters of a hash, 6 bits each: enough that no two lists are taken for one by mistake. */
const listNameLength = 12

/** What a page of a list is made of. */
export type PageParts<Item, Filters extends object> = Readonly<{
  /** The list's query. */
  query: Pick<AnyQueryContract, 'name'>
  /** What the list is selected by, JSON: another value, another list. */
  filters: Filters
  /** At most `limit` items whose number is below `below`, the highest number first. */
  select(wanted: Filters & { below: number; limit: number }): Promise<readonly Item[]>
  /** The number that a list is sorted by: a positive integer, another one for each item. */
  numberOf(item: Item): number
  /** An item as callers see it. */
  view(item: Item): object
}>

/**
 * Answers with a page of a list, newest first: `{ items, nextCursor }`, the cursor null on the last
 * page. Items that are added meanwhile move no page that was begun.
 *
 * `limit` is 50 where it is not given, and may differ from page to page. A cursor leads on in the
 * list that gave it, the same query with the same filters; any other is `request-invalid`.
 */
export async function answerPage<Item, Filters extends object>(
  { limit = limitUsual, cursor }: { limit?: number; cursor?: string },
  { query, filters, select, numberOf, view }: PageParts<Item, Filters>,
): Promise<QueryAnswer> {
  const list = nameOf(query, filters)
  const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(list, cursor)
  if (below === undefined) {
    const detail = 'is not a cursor that this list gave; leave it out to begin at the newest'
    return {
      problem: 'request-invalid',
      members: { errors: [{ in: 'query', pointer: '/cursor', detail }] },
    }
  }
  // One more than asked for says whether there is another page.
  const found = await select({ ...filters, below, limit: limit + 1 })
  const items = found.slice(0, limit)
  const last = found.length > limit ? items.at(-1) : undefined
  return {
    body: {
      items: items.map(view),
      nextCursor: last === undefined ? null : writeCursor(list, numberOf(last)),
    },
  }
}

/** Tells lists apart, and nothing of what they are selected by. */
function nameOf({ name }: Pick<AnyQueryContract, 'name'>, filters: object): string {
  return hash('sha256', canonicalJson([name, filters]), 'base64url').slice(0, listNameLength)
}

/** The place in a list where the next page begins, written so that nobody builds on its form. */
function writeCursor(list: string, number: number): string {
  return Buffer.from(`${list} before ${number}`).toString('base64url')
}

/** Reads a cursor; undefined for anything that {@link writeCursor} did not write of this list. */
function readCursor(list: string, cursor: string): number | undefined {
  const number = Number(Buffer.from(cursor, 'base64url').toString().split(' ').at(-1))
  const isOurs = Number.isSafeInteger(number) && number > 0 && writeCursor(list, number) === cursor
  return isOurs ? number : undefined
}
